package router

import (
	"slices"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestParam(t *testing.T) {
	const none = "<none>"
	for _, c := range [][4]string{
		{"/users/:id", "/users/7", "id", "7"},
		{"/users/:id", "/users/7", "name", none},
		{"/users/:id", "/users/7", "*", none},
		{"/users/:id", "/users/7", "", none},
		{"/users/:id", "/users/7", "users", none},
		{"/:a/x/:b", "/\xff/x/:b", "a", "\xff"},
		{"/:a/x/:b", "/1/x/:b", "b", ":b"},
		{"/:a/*", "/1/2//3/", "a", "1"},
		{"/:a/*", "/1/2//3/", "*", "2//3/"},
		{"/v1/*", "/v1", "*", ""},
		{"/v1/*", "/v1/", "*", ""},
		{"/v1/*", "/v1//", "*", "/"},
		{"/v1/*", "/v1/a/b", "*", "a/b"},
		{"/*", "/", "*", ""},
		{"/*", "/a", "*", "a"},
		{"/*", "*", "*", "*"},
		{"/*", "", "*", ""},
	} {
		r, _ := mustCompile(t, Rule{Path: c[0]}).Match(nil, nil, []byte(c[1]), nil)
		if r == nil {
			t.Errorf("%s does not match %q", c[0], c[1])
			continue
		}
		got := none
		if value, ok := r.Param([]byte(c[1]), c[2]); ok {
			got = string(value)
		}
		if got != c[3] {
			t.Errorf("%s has %q for %s in %q, want %q", c[0], got, c[2], c[1], c[3])
		}
	}
	r := mustCompile(t, Rule{Path: "/a/:b/:c"}).Routes()[0]
	if value, ok := r.Param([]byte("/a/1"), "c"); ok {
		t.Errorf("found %q in a path that is too short", value)
	}
}

func TestRouteCarriesItsRule(t *testing.T) {
	called := false
	table := mustCompile(t, Rule{Name: "x", Path: "/x"}, Rule{
		Name: "y", Path: "/y/:id", Hosts: []string{"*", "*.B.com", "b.com", "B.com"},
		Handler: func(*fasthttp.RequestCtx) { called = true },
	})
	r, _ := table.Match([]byte("b.com"), []byte("GET"), []byte("/y/1"), nil)
	if r == nil || r.Name != "y" || r.Index != 1 || r.Pattern() != "/y/:id" {
		t.Fatalf("got %+v", r)
	}
	if got, want := r.Hosts(), []string{"b.com", "*.b.com", "*"}; !slices.Equal(got, want) {
		t.Errorf("hosts %q, want %q", got, want)
	}
	if called {
		t.Error("Match called the handler")
	}
	if r.Handler(nil); !called {
		t.Error("the handler is not the rule's")
	}
}

func TestRoutesComeInMatchingOrder(t *testing.T) {
	rules := []Rule{
		{Name: "9", Path: "/*"},
		{Name: "8", Path: "/a/*"},
		{Name: "6", Path: "/a/:x"},
		{Name: "5", Path: "/a/b"},
		{Name: "7", Path: "/a", Methods: []string{"GET"}},
		{Name: "4", Path: "/a/b", Methods: []string{"GET"}},
		{Name: "3", Path: "/x", Hosts: []string{"*.com", "*"}},
		{Name: "2", Path: "/x", Hosts: []string{"*.a.com"}},
		{Name: "1", Path: "/x", Hosts: []string{"a.com", "*.b.com"}},
	}
	got := ""
	for _, r := range mustCompile(t, rules...).Routes() {
		got += r.Name
	}
	if got != "123456789" {
		t.Errorf("got %s, want 123456789", got)
	}
}

func TestExplain(t *testing.T) {
	table := mustCompile(t,
		Rule{Name: "host", Hosts: []string{"x.com", "*.b.com"}, Path: "/*"},
		Rule{Name: "present", Path: "/a", Headers: map[string]string{"x-canary": "*"}, Query: map[string]string{"q": "1"}, Methods: []string{"GET"}},
		Rule{Name: "regexp", Path: "/a", Cookies: map[string]string{"c": "~^x"}, Query: map[string]string{"q": "2"}},
		Rule{Name: "exact", Path: "/a", Query: map[string]string{"q": "3"}, Cookies: map[string]string{"c": "*"}},
		Rule{Name: "method", Path: "/a", Methods: []string{"PUT", "GET"}},
		Rule{Name: "chosen", Path: "/a"},
		Rule{Name: "path", Path: "/b"},
		Rule{Name: "later", Path: "/*"},
	)
	req := &request{query: map[string][]string{"q": {"2"}}, cookies: map[string][]string{"c": {"y"}}}
	var got [][3]string
	for _, c := range table.Explain([]byte("a.com"), []byte("POST"), []byte("/a"), req) {
		got = append(got, [3]string{c.Route.Name, c.Host, c.Reason})
	}
	want := [][3]string{
		{"host", "x.com", `host "a.com" is not x.com`},
		{"host", "*.b.com", `host "a.com" is not *.b.com`},
		{"present", "*", `method "POST" is not among GET, HEAD`},
		{"regexp", "*", `cookie c is "y", which does not match ~^x`},
		{"exact", "*", `query q is "2", not "3"`},
		{"method", "*", `method "POST" is not among GET, HEAD, PUT`},
		{"chosen", "*", ""},
		{"path", "*", `path "/a" does not match /b`},
		{"later", "*", `would match, but route "chosen" is more specific`},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, c := range table.Explain([]byte("a.com"), []byte("GET"), []byte("/a"), nil) {
		if want := "header X-Canary is missing"; c.Route.Name == "present" && c.Reason != want {
			t.Errorf("reason %q, want %q", c.Reason, want)
		}
	}
}
