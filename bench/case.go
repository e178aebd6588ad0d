package main

import (
	"fmt"
	"slices"
	"strings"
)

// testCase is one kind of load.
type testCase struct {
	name  string
	group string // cases that are chosen together
	about string
	setup string // how the proxies are started for it; the usual one if empty
	path  string
	host  string // the Host asked for; the proxy's address if empty
	bytes int    // of the answer to a GET of path

	// With wrk: as many requests as are answered.
	script      string   // in bench/
	args        []string // further arguments of wrk
	scriptArgs  func(setup) []string
	connections int // those of -connections if 0
	threads     int // one if 0

	// With openloop, where one of them is not 0: requests a second, or what share
	// of those that the baseline answered to wrk.
	rate, share float64
	reloads     bool // while it runs, the config is changed again and again

	idle bool // no load at all
	warm bool // under the same load once before the first round, for the connections to targets
}

// open reports whether the case has a fixed rate.
func (c testCase) open() bool { return c.rate > 0 || c.share > 0 }

const small = "small.lua"

var cases = []testCase{
	{name: "small", group: "basic", about: "GET, 90 B", path: "/bench", script: small, bytes: 90},
	{name: "post1k", group: "basic", about: "POST 1 KiB, answer 1 KiB", path: "/bytes/1024", script: "post1k.lua", bytes: 1 << 10},
	{name: "4k", group: "basic", about: "GET, 4 KiB", path: "/bytes/4096", script: small, bytes: 4 << 10},
	{name: "16k", group: "basic", about: "GET, 16 KiB", path: "/bytes/16384", script: small, bytes: 16 << 10},
	{name: "100k", group: "basic", about: "GET, 100 KB", path: "/bytes/100000", script: small, bytes: 100000},
	{name: "400k", group: "basic", about: "GET, 400 KB", path: "/bytes/400000", script: small, bytes: 400000},
	{name: "1m", group: "basic", about: "GET, 1 MiB", path: "/bytes/1048576", script: small, bytes: 1 << 20},
	{name: "unix", group: "basic", about: "GET, 90 B, the origin on a unix socket", path: "/bench", host: unixHost, script: small, bytes: 90},
	{
		name: "newconn", group: "basic", about: "GET, 90 B, a connection for each", path: "/bench", script: small, bytes: 90,
		args: []string{"-H", "Connection: close"},
	},
	{name: "mixed", group: "basic", about: "GET, 1,000 routes by turns", path: "/", script: "mixed.lua", bytes: lineBytes("/"), scriptArgs: routes},
	{name: "hash", group: "basic", about: "GET, 10,000 users hashed to 4 targets", path: "/users/1", script: "hash.lua", bytes: lineBytes("/users/1")},

	{name: "log", group: "setups", setup: "log", about: "GET, 90 B, access log on", path: "/bench", script: small, bytes: 90},
	{
		name: "telemetry", group: "setups", setup: "telemetry", path: "/bench", script: small, bytes: 90,
		about: "as log, and Sluice begins traces, of which it keeps one in a hundred",
	},
	{name: "metrics", group: "setups", setup: "metrics", about: "GET, 90 B, beside a build that counts no requests", path: "/bench", script: small, bytes: 90},
	{
		name: "twocores", group: "setups", setup: "twocores", about: "GET, 90 B, two workers, 256 connections", path: "/bench", script: small, bytes: 90,
		connections: 256, threads: 2,
	},

	{name: "rate2k", group: "rates", about: "GET, 90 B, 2,000 a second", path: "/bench", bytes: 90, rate: 2000},
	{name: "rate10k", group: "rates", about: "GET, 90 B, 10,000 a second", path: "/bench", bytes: 90, rate: 10000},
	{name: "rate30k", group: "rates", about: "GET, 90 B, 30,000 a second", path: "/bench", bytes: 90, rate: 30000},
	{name: "half", group: "rates", about: "GET, 90 B, half of what " + baseline + " can", path: "/bench", bytes: 90, share: .5},
	{name: "load75", group: "rates", about: "GET, 90 B, three quarters of what " + baseline + " can", path: "/bench", bytes: 90, share: .75},
	{name: "load90", group: "rates", about: "GET, 90 B, nine tenths of what " + baseline + " can", path: "/bench", bytes: 90, share: .9},
	{name: "idlecpu", group: "rates", about: "nothing asked", idle: true},
	{name: "idleconns", group: "idle", setup: idleSetup, about: "idle connections, see their own table", path: "/bench", bytes: 90},

	{name: "routes10", group: "scale", setup: "routes10", about: "GET, 10 routes by turns", path: "/", script: "mixed.lua", bytes: lineBytes("/"), scriptArgs: routes},
	{name: "routes100k", group: "scale", setup: "routes100k", about: "GET, 100,000 routes by turns", path: "/", script: "mixed.lua", bytes: lineBytes("/"), scriptArgs: routes},
	{name: "still100k", group: "scale", setup: "routes100k", about: "GET, 90 B, 100,000 routes, 10,000 a second", path: "/bench", bytes: 90, rate: 10000},
	{
		name: "reload100k", group: "scale", setup: "routes100k", about: "as still100k, and one reload after the other", path: "/bench", bytes: 90,
		rate: 10000, reloads: true,
	},
	{name: "targets3", group: "scale", setup: "targets3", about: "GET, 90 B, 3 weighted targets", path: "/bench", host: manyHost, script: small, bytes: 90},
	{name: "targets1000", group: "scale", setup: "targets1000", about: "GET, 90 B, 1,000 weighted targets", path: "/bench", host: manyHost, script: small, bytes: 90, warm: true},
}

// quickCases show that all works: each way of measuring, and no more.
const quickCases = "small,post1k,unix,rate2k"

// lineBytes is how long the demo origin's answer to a GET of other paths is.
func lineBytes(path string) int { return len("origin1: GET " + path + "\n") }

// routes has mixed.lua ask for all routes of a setup.
func routes(s setup) []string {
	paths := s.pathNames()
	for i := range paths {
		paths[i] += "/items/7?page=2"
	}
	return []string{strings.Join(s.hostNames(), ","), strings.Join(paths, ",")}
}

// names of what f tells of the cases, each once.
func names(f func(testCase) string) []string {
	var found []string
	for _, c := range cases {
		if name := f(c); !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}

func caseNames() []string  { return names(func(c testCase) string { return c.name }) }
func groupNames() []string { return names(func(c testCase) string { return c.group }) }

// chooseCases finds the cases of a list of cases and groups with commas, in
// their own order; all for an empty one.
func chooseCases(list string) ([]testCase, error) {
	if list == "" {
		return cases, nil
	}
	asked := strings.Split(list, ",")
	for _, name := range asked {
		if !slices.Contains(caseNames(), name) && !slices.Contains(groupNames(), name) {
			return nil, fmt.Errorf("unknown case %q; have %s, and the groups %s", name,
				strings.Join(caseNames(), ", "), strings.Join(groupNames(), ", "))
		}
	}
	var chosen []testCase
	for _, c := range cases {
		if slices.Contains(asked, c.name) || slices.Contains(asked, c.group) {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}

func caseNamed(name string) testCase {
	return cases[slices.IndexFunc(cases, func(c testCase) bool { return c.name == name })]
}
