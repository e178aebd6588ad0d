package router

import (
	"strings"
	"testing"
)

// paths makes one rule a path, named by the path.
func paths(list ...string) []Rule {
	rules := make([]Rule, len(list))
	for i, p := range list {
		rules[i] = Rule{Name: p, Path: p}
	}
	return rules
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		rules string
		path  string
		want  string
	}{
		{"/a", "/a", "/a"},
		{"/a", "/a/", "404"},
		{"/a", "/A", "404"},
		{"/a", "/ab", "404"},
		{"/a/", "/a/", "/a/"},
		{"/a/", "/a", "404"},
		{"/", "/", "/"},
		{"/", "/a", "404"},
		{"/", "//", "404"},
		{"/users/:id", "/users/7", "/users/:id"},
		{"/users/:id", "/users/", "404"},
		{"/users/:id", "/users", "404"},
		{"/users/:id", "/users/7/", "404"},
		{"/users/:id", "/users/7/x", "404"},
		{"/users/:id", "/users/:id", "/users/:id"},
		{"/users/:id", "/users/*", "/users/:id"},
		{"/users/:id/posts", "/users//posts", "404"},
		{"/users/:id/posts", "/users/7/posts", "/users/:id/posts"},
		{"/:a/*", "//x", "404"},
		{"/:a/*", "/x", "/:a/*"},
		{"/:a/*", "/", "404"},
		{"/:a/*", "/x//y", "/:a/*"},
		{"/v1/*", "/v1", "/v1/*"},
		{"/v1/*", "/v1/", "/v1/*"},
		{"/v1/*", "/v1/x/y", "/v1/*"},
		{"/v1/*", "/v1//", "/v1/*"},
		{"/v1/*", "/v1x", "404"},
		{"/v1/*", "/v", "404"},
		{"/*", "/", "/*"},
		{"/*", "//", "/*"},
		{"/*", "/\xff\x00:*", "/*"},
		{"/*", "*", "/*"},
		{"/*", "", "/*"},
		{"/* /a", "a", "/*"},
		{"/a /:x /a/*", "*", "404"},
		{"/a//b", "/a//b", "/a//b"},
		{"/a//b", "/a/b", "404"},
		{"/a//b /a/:x/b", "/a//b", "/a//b"},
		{"/a//b /a/:x/b", "/a/1/b", "/a/:x/b"},

		// The most specific path wins, segment by segment.
		{"/users/:id /users/new", "/users/new", "/users/new"},
		{"/users/:id /users/new", "/users/news", "/users/:id"},
		{"/v1 /v1/*", "/v1", "/v1"},
		{"/v1 /v1/*", "/v1/", "/v1/*"},
		{"/v1/ /v1/*", "/v1/", "/v1/"},
		{"/v1/* /v1/v2/* /*", "/v1/v2", "/v1/v2/*"},
		{"/v1/* /v1/v2/* /*", "/v1/v2x", "/v1/*"},
		{"/v1/* /v1/v2/* /*", "/v2", "/*"},
		{"/a/:x/c /a/b/d", "/a/b/c", "/a/:x/c"},
		{"/:x/b /a/:y", "/a/b", "/a/:y"},
		{"/:x/b /a/*", "/a/b", "/a/*"},
		{"/:x /a/*", "/a", "/a/*"},
		{"/:x/:y /:x/*", "/1/2", "/:x/:y"},
		{"/:x/:y /:x/*", "/1/2/3", "/:x/*"},
		{"/:x/:y /:x/*", "/1", "/:x/*"},
		{"/a/:x/ /a/:x/:y /a/", "/a/1/", "/a/:x/"},

		// A colon inside a segment is a literal, as in the custom verbs of some interfaces.
		{"/items/a:cancel /items/:id", "/items/a:cancel", "/items/a:cancel"},
		{"/items/a:cancel /items/:id", "/items/a:", "/items/:id"},
		{"/items/a:cancel /items/:id", "/items/a\x00ccancel", "/items/:id"},
		{"/items/a:cancel", "/items/axcancel", "404"},
		{"/items/a:cancel", "/items/a\x00ccancel", "404"},
	} {
		t.Run(c.rules+" <- "+c.path, func(t *testing.T) {
			rules := paths(strings.Fields(c.rules)...)
			if got := match(mustCompile(t, rules...), "h", "GET", c.path, nil); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestHost(t *testing.T) {
	table := mustCompile(t,
		Rule{Name: "exact", Hosts: []string{"Api.Example.com."}, Path: "/a"},
		Rule{Name: "wild", Hosts: []string{"*.example.com"}, Path: "/*"},
		Rule{Name: "deep", Hosts: []string{"*.api.example.com"}, Path: "/*"},
		Rule{Name: "v6", Hosts: []string{"[2001:DB8:0::1]"}, Path: "/*"},
		Rule{Name: "any", Path: "/b"},
		Rule{Name: "star", Hosts: []string{"*", "other"}, Path: "/c"},
	)
	for _, c := range [][3]string{
		{"api.example.com", "/a", "exact"},
		{"api.example.com", "/b", "wild"}, // exact has no /b: on to the wildcard, whose /* is before any host's /b
		{"x.example.com", "/a", "wild"},
		{"x.y.example.com", "/a", "wild"},
		{"x.api.example.com", "/a", "deep"},
		{"x.y.api.example.com", "/a", "deep"},
		{"example.com", "/a", "404"},
		{".example.com", "/a", "404"},
		{"..example.com", "/a", "wild"},
		{"xexample.com", "/a", "404"},
		{"example.com", "/b", "any"},
		{"", "/b", "any"},
		{"\xff", "/b", "any"},
		{strings.Repeat(".", 5000), "/c", "star"},
		{"other", "/c", "star"},
		{"[2001:db8::1]", "/", "v6"},
		{"2001:db8::1", "/", "v6"},
	} {
		if got := match(table, c[0], "GET", c[1], nil); got != c[2] {
			t.Errorf("%.40s%s goes to %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestMethod(t *testing.T) {
	table := mustCompile(t,
		Rule{Name: "get", Path: "/a", Methods: []string{"GET"}},
		Rule{Name: "post", Path: "/a", Methods: []string{"POST", "POST"}},
		Rule{Name: "head", Path: "/h", Methods: []string{"HEAD"}},
		Rule{Name: "get h", Path: "/h", Methods: []string{"GET"}},
		Rule{Name: "put", Path: "/fall/x", Methods: []string{"PUT"}},
		Rule{Name: "delete", Path: "/fall/*", Methods: []string{"DELETE"}},
		Rule{Name: "purge", Hosts: []string{"cache"}, Path: "/a", Methods: []string{"PURGE"}},
		Rule{Name: "canary", Path: "/canary", Methods: []string{"PUT"}, Headers: map[string]string{"X-Canary": "1"}},
	)
	for _, c := range [][4]string{
		{"h", "GET", "/a", "get"},
		{"h", "HEAD", "/a", "get"},
		{"h", "POST", "/a", "post"},
		{"h", "PUT", "/a", "405 GET, HEAD, POST"},
		{"h", "get", "/a", "405 GET, HEAD, POST"},
		{"h", "", "/a", "405 GET, HEAD, POST"},
		{"h", "HEAD", "/h", "head"},
		{"h", "GET", "/h", "get h"},
		{"h", "PUT", "/fall/x", "put"},
		{"h", "DELETE", "/fall/x", "delete"},
		{"h", "GET", "/fall/x", "405 DELETE, PUT"},
		{"h", "GET", "/fall", "405 DELETE"},
		{"cache", "PURGE", "/a", "purge"},
		{"cache", "GET", "/a", "get"}, // a less specific host takes what the method of the more specific one refuses
		{"cache", "PUT", "/a", "405 GET, HEAD, POST, PURGE"},
		{"h", "GET", "/canary", "404"}, // 405 would tell of a route that this request cannot reach with any method
		{"h", "GET", "/none", "404"},
	} {
		if got := match(table, c[0], c[1], c[2], nil); got != c[3] {
			t.Errorf("%s %s%s goes to %s, want %s", c[1], c[0], c[2], got, c[3])
		}
	}
	req := &request{headers: map[string][]string{"X-Canary": {"1"}}}
	if got := match(table, "h", "GET", "/canary", req); got != "405 PUT" {
		t.Errorf("with the header: %s, want 405 PUT", got)
	}
}

func TestPredicates(t *testing.T) {
	type m = map[string]string
	table := mustCompile(t,
		Rule{Name: "plain", Path: "/a"},
		Rule{Name: "canary 1", Path: "/a", Headers: m{"x-canary": "1"}},
		Rule{Name: "canary", Path: "/a", Headers: m{"X-Canary": "*"}},
		Rule{Name: "canary 2x", Path: "/a", Headers: m{"X-Canary": "~^2"}, Query: m{"q": "x"}},
		Rule{Name: "cookie", Path: "/a", Headers: m{"X-Canary": "1"}, Cookies: m{"beta": "~^(yes|on)$"}, Methods: []string{"GET"}},
		Rule{Name: "empty", Path: "/e", Headers: m{"X": ""}, Query: m{"q": "*"}},
		Rule{Name: "deep", Path: "/*", Headers: m{"X-Canary": "9"}, Query: m{"q": "x"}},
	)
	for _, c := range []struct {
		method, path string
		req          request
		want         string
	}{
		{"GET", "/a", request{}, "plain"},
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {"1"}}}, "canary 1"},
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {"3"}}}, "canary"},
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {""}}}, "canary"},
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {"3", "1"}}}, "canary 1"},
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {"25"}}, query: map[string][]string{"q": {"x"}}}, "canary 2x"},
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {"25"}}, query: map[string][]string{"Q": {"x"}}}, "canary"},
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {"1"}}, cookies: map[string][]string{"beta": {"on"}}}, "cookie"},
		{"POST", "/a", request{headers: map[string][]string{"X-Canary": {"1"}}, cookies: map[string][]string{"beta": {"on"}}}, "canary 1"},
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {"1"}}, cookies: map[string][]string{"beta": {"one"}}}, "canary 1"},
		// A more specific path comes before more predicates.
		{"GET", "/a", request{headers: map[string][]string{"X-Canary": {"9"}}, query: map[string][]string{"q": {"x"}}}, "canary"},
		{"GET", "/b", request{headers: map[string][]string{"X-Canary": {"9"}}, query: map[string][]string{"q": {"x"}}}, "deep"},
		{"GET", "/b", request{headers: map[string][]string{"X-Canary": {"9"}}}, "404"},
		{"GET", "/e", request{headers: map[string][]string{"X": {""}}, query: map[string][]string{"q": {""}}}, "empty"},
		{"GET", "/e", request{headers: map[string][]string{"X": {"1"}}, query: map[string][]string{"q": {""}}}, "404"},
	} {
		if got := match(table, "h", c.method, c.path, &c.req); got != c.want {
			t.Errorf("%s %s with %v goes to %s, want %s", c.method, c.path, c.req, got, c.want)
		}
	}
}

func TestRepeatedValuesGoToTheFirstName(t *testing.T) {
	b := Rule{Name: "b", Path: "/", Headers: map[string]string{"X": "1"}}
	a := Rule{Name: "a", Path: "/", Headers: map[string]string{"X": "2"}}
	req := &request{headers: map[string][]string{"X": {"1", "2"}}}
	for _, rules := range [][]Rule{{a, b}, {b, a}} {
		if got := match(mustCompile(t, rules...), "h", "GET", "/", req); got != "a" {
			t.Errorf("goes to %s, want a in whatever order the rules come", got)
		}
	}
}

func TestEmptyTable(t *testing.T) {
	if got := match(mustCompile(t), "h", "GET", "/", nil); got != "404" {
		t.Errorf("got %s, want 404", got)
	}
}

func TestManyMutuallyOverlappingPaths(t *testing.T) {
	// All combinations of a literal and a parameter share the path /a/a/…: one layer each, more than one word of bits.
	const depth = 8
	var rules []Rule
	for bits := range 1 << depth {
		var b strings.Builder
		for i := range depth {
			if bits>>i&1 == 0 {
				b.WriteString("/a")
			} else {
				b.WriteString("/:p" + string(rune('0'+i)))
			}
		}
		rules = append(rules, Rule{Name: b.String(), Path: b.String()})
	}
	table := mustCompile(t, rules...)
	for bits, rule := range rules {
		var b strings.Builder
		for i := range depth {
			b.WriteString([]string{"/a", "/b"}[bits>>i&1])
		}
		if got := match(table, "h", "GET", b.String(), nil); got != rule.Name {
			t.Fatalf("%s goes to %s, want %s", b.String(), got, rule.Name)
		}
	}
}
