package main

// testCase is one kind of load.
type testCase struct {
	name   string
	about  string
	path   string
	script string   // in bench/; none if empty
	args   []string // further arguments of wrk
	bytes  int      // of the answer to a GET of path
}

var cases = []testCase{
	{name: "small", about: "GET, 90 B", path: "/bench", script: "small.lua", bytes: 90},
	{name: "post1k", about: "POST 1 KiB, answer 1 KiB", path: "/bytes/1024", script: "post1k.lua", bytes: 1 << 10},
	{name: "16k", about: "GET, 16 KiB", path: "/bytes/16384", bytes: 16 << 10},
	{name: "100k", about: "GET, 100 KB", path: "/bytes/100000", bytes: 100000},
	{name: "1m", about: "GET, 1 MiB", path: "/bytes/1048576", bytes: 1 << 20},
	{name: "mixed", about: "GET, 1,000 routes by turns", path: "/", script: "mixed.lua", bytes: len("origin1: GET /\n")},
	{name: "hash", about: "GET, 10,000 users hashed to 4 targets", path: "/users/1", script: "hash.lua", bytes: len("origin1: GET /users/1\n")},
	{name: "newconn", about: "GET, 90 B, a connection for each", path: "/bench", args: []string{"-H", "Connection: close"}, bytes: 90},
}

func caseNames() []string {
	names := make([]string, len(cases))
	for i, c := range cases {
		names[i] = c.name
	}
	return names
}
