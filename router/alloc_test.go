package router

import "testing"

// fixed is a Request that does not allocate.
type fixed struct{ name, value []byte }

func (f *fixed) Header(name string, i int) ([]byte, bool) {
	return f.value, i == 0 && name == string(f.name)
}
func (f *fixed) Query(name string, i int) ([]byte, bool)  { return f.Header(name, i) }
func (f *fixed) Cookie(name string, i int) ([]byte, bool) { return f.Header(name, i) }

func TestMatchDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations cannot be counted under the race detector")
	}
	table := mustCompile(t,
		Rule{Name: "static", Path: "/a"},
		Rule{Name: "param", Path: "/users/:id"},
		Rule{Name: "inner", Path: "/users/:id/posts/:post"},
		Rule{Name: "below", Path: "/v1/*"},
		Rule{Name: "colon", Path: "/items/x:cancel"},
		Rule{Name: "host", Hosts: []string{"a.com"}, Path: "/only"},
		Rule{Name: "wild", Hosts: []string{"*.a.com"}, Path: "/*", Methods: []string{"GET"}},
		Rule{Name: "header", Path: "/v1/*", Headers: map[string]string{"X-Canary": "1"}},
		Rule{Name: "regexp", Path: "/v1/*", Methods: []string{"GET"}, Headers: map[string]string{"X-Canary": "~^[0-9]+$"}},
		Rule{Name: "put", Path: "/put/*", Methods: []string{"PUT", "POST"}},
		Rule{Name: "rest", Path: "/rest/*"},
	)
	for _, c := range []struct {
		host, method, path string
		req                Request
		want               string
	}{
		{"h", "GET", "/a", nil, "static"},
		{"a.com", "GET", "/a", nil, "static"},
		{"h", "GET", "/users/7", nil, "param"},
		{"h", "GET", "/users/7/posts/1", nil, "inner"},
		{"h", "GET", "/users//posts/1", nil, "404"},
		{"h", "GET", "/v1/x", nil, "below"},
		{"h", "GET", "/items/x:cancel", nil, "colon"},
		{"x.y.a.com", "GET", "/a", nil, "wild"},
		{"h", "GET", "/v1/x", &fixed{[]byte("X-Canary"), []byte("12")}, "regexp"},
		{"h", "PUT", "/v1/x", &fixed{[]byte("X-Canary"), []byte("1")}, "header"},
		{"h", "GET", "/put/1", nil, "405 POST, PUT"},
		{"h", "GET", "/none", nil, "404"},
		{"h", "OPTIONS", "*", nil, "404"},
	} {
		if got := match(table, c.host, c.method, c.path, c.req); got != c.want {
			t.Errorf("%s %s%s goes to %s, want %s", c.method, c.host, c.path, got, c.want)
		}
		host, method, path := []byte(c.host), []byte(c.method), []byte(c.path)
		if n := testing.AllocsPerRun(200, func() { table.Match(host, method, path, c.req) }); n != 0 {
			t.Errorf("%s %s%s: %v allocations", c.method, c.host, c.path, n)
		}
	}
	path := []byte("/users/7/posts/1")
	r, _ := table.Match(nil, []byte("GET"), path, nil)
	if n := testing.AllocsPerRun(200, func() { r.Param(path, "post") }); n != 0 {
		t.Errorf("Param: %v allocations", n)
	}
}
