package router

import (
	"fmt"
	"strings"
	"testing"
)

func TestTies(t *testing.T) {
	type m = map[string]string
	get, post := []string{"GET"}, []string{"POST"}
	for _, c := range []struct {
		name string
		a, b Rule
		tie  bool
	}{
		{"same path", Rule{Path: "/a"}, Rule{Path: "/a"}, true},
		{"other path", Rule{Path: "/a"}, Rule{Path: "/a/"}, false},
		{"other parameter name", Rule{Path: "/a/:x"}, Rule{Path: "/a/:y"}, true},
		{"overlapping paths", Rule{Path: "/a/:x"}, Rule{Path: "/:x/a"}, false},
		{"exact and below", Rule{Path: "/a"}, Rule{Path: "/a/*"}, false},
		{"one host shared", Rule{Path: "/a", Hosts: []string{"x", "A.com."}}, Rule{Path: "/a", Hosts: []string{"y", "a.com"}}, true},
		{"other hosts", Rule{Path: "/a", Hosts: []string{"x"}}, Rule{Path: "/a", Hosts: []string{"y"}}, false},
		{"exact host in a wildcard", Rule{Path: "/a", Hosts: []string{"x.y"}}, Rule{Path: "/a", Hosts: []string{"*.y"}}, false},
		{"any host, said and unsaid", Rule{Path: "/a", Hosts: []string{"*"}}, Rule{Path: "/a"}, true},
		{"disjoint methods", Rule{Path: "/a", Methods: get}, Rule{Path: "/a", Methods: post}, false},
		{"common method", Rule{Path: "/a", Methods: get}, Rule{Path: "/a", Methods: []string{"POST", "GET"}}, true},
		{"HEAD listed and taken along", Rule{Path: "/a", Methods: get}, Rule{Path: "/a", Methods: []string{"HEAD"}}, false},
		{"methods and none", Rule{Path: "/a", Methods: get}, Rule{Path: "/a"}, false},
		{"methods and header", Rule{Path: "/a", Methods: get}, Rule{Path: "/a", Headers: m{"X": "1"}}, true},
		{"different headers", Rule{Path: "/a", Headers: m{"X": "1"}}, Rule{Path: "/a", Headers: m{"Y": "1"}}, true},
		{"header and query", Rule{Path: "/a", Headers: m{"X": "1"}}, Rule{Path: "/a", Query: m{"X": "2"}}, true},
		{"different values", Rule{Path: "/a", Headers: m{"X": "1"}}, Rule{Path: "/a", Headers: m{"x": "2"}}, false},
		{"same value", Rule{Path: "/a", Cookies: m{"X": "1"}}, Rule{Path: "/a", Cookies: m{"X": "1"}}, true},
		{"names of cookies keep their case", Rule{Path: "/a", Cookies: m{"X": "1"}}, Rule{Path: "/a", Cookies: m{"x": "2"}}, true},
		{"different values among others", Rule{Path: "/a", Query: m{"a": "1", "z": "1"}}, Rule{Path: "/a", Query: m{"b": "1", "z": "2"}}, false},
		{"exact in present", Rule{Path: "/a", Query: m{"a": "1"}}, Rule{Path: "/a", Query: m{"a": "*"}}, false},
		{"exact in regexp", Rule{Path: "/a", Query: m{"a": "12"}}, Rule{Path: "/a", Query: m{"a": "~^1"}}, false},
		{"exact outside regexp", Rule{Path: "/a", Query: m{"a": "2"}}, Rule{Path: "/a", Query: m{"a": "~^1"}}, false},
		{"exact outside regexp, among others", Rule{Path: "/a", Query: m{"a": "2", "b": "~1"}},
			Rule{Path: "/a", Query: m{"a": "~^1", "b": "1"}}, false},
		{"two regexps", Rule{Path: "/a", Query: m{"a": "~^1$"}}, Rule{Path: "/a", Query: m{"a": "~^2$"}}, true},
		{"crosswise", Rule{Path: "/a", Query: m{"a": "1", "b": "*"}}, Rule{Path: "/a", Query: m{"a": "*", "b": "1"}}, true},
		{"narrower value, other methods", Rule{Path: "/a", Query: m{"a": "1"}, Methods: get},
			Rule{Path: "/a", Query: m{"a": "*"}, Methods: []string{"GET", "PUT"}}, true},
		{"more predicates", Rule{Path: "/a", Query: m{"a": "1", "b": "1"}}, Rule{Path: "/a", Query: m{"c": "1"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, rules := range [][]Rule{{c.a, c.b}, {c.b, c.a}} {
				if _, err := Compile(rules); (err != nil) != c.tie {
					t.Errorf("Compile: %v; want a tie: %t", err, c.tie)
				}
			}
		})
	}
}

func TestConflictNamesBothRoutes(t *testing.T) {
	wrong := wrongRules(t,
		Rule{Name: "one", Path: "/users/:id", Hosts: []string{"b.com", "a.com", "*.a.com"}},
		Rule{Name: "other", Path: "/other"},
		Rule{Name: "two", Path: "/users/:name", Hosts: []string{"a.com", "*.a.com"}},
		Rule{Name: "three", Path: "/users/:id", Hosts: []string{"b.com"}},
	)
	if len(wrong.Conflicts) != 2 || len(wrong.Problems) != 0 {
		t.Fatalf("got %v, want two conflicts", wrong)
	}
	first, second := wrong.Conflicts[0], wrong.Conflicts[1]
	if first.Rules != [2]int{0, 2} || second.Rules != [2]int{0, 3} || strings.Join(first.Hosts, " ") != "a.com *.a.com" {
		t.Errorf("got %+v and %+v", first, second)
	}
	const want = `routes "one" and "two" tie: both take /users/:id and /users/:name on a.com and 1 more, ` +
		`and neither is more specific; make their methods differ or let one ask for more`
	if got := first.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEveryMistakeIsReported(t *testing.T) {
	wrong := wrongRules(t,
		Rule{Name: "a", Path: "/a/*/b", Hosts: []string{"ok", "a:80", "x.*", ""}, Methods: []string{"GET", "get", "G T"}},
		Rule{Name: "b", Path: "/b", Headers: map[string]string{"X Y": "1", "Z": "~("}, Query: map[string]string{"": "1"},
			Cookies: map[string]string{"a=b": "*"}},
		Rule{Name: "c", Path: "/c", Headers: map[string]string{"x-a": "1", "X-A": "2"}},
		Rule{Name: "d", Path: "/d"},
		Rule{Name: "e", Path: "/d"},
	)
	var got []string
	for _, p := range wrong.Problems {
		got = append(got, fmt.Sprintf("%d %s %s %d %s", p.Rule, p.Name, p.Field, p.Item, p.Key))
	}
	want := []string{
		"0 a path 0 /a/*/b", "0 a hosts 1 a:80", "0 a hosts 2 x.*", "0 a hosts 3 ", "0 a methods 1 get", "0 a methods 2 G T",
		"1 b headers 0 X Y", "1 b headers 0 Z", "1 b query 0 ", "1 b cookies 0 a=b", "2 c headers 0 x-a",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(wrong.Conflicts) != 1 || wrong.Conflicts[0].Names != [2]string{"d", "e"} {
		t.Errorf("conflicts %v, want that of d and e", wrong.Conflicts)
	}
	if lines := strings.Count(wrong.Error(), "\n") + 1; lines != len(wrong.Unwrap()) || lines != 12 {
		t.Errorf("%d lines for %d errors, want 12", lines, len(wrong.Unwrap()))
	}
}

func TestRefusedPaths(t *testing.T) {
	long := strings.Repeat("/:p", maxParams+1)
	for i := range maxParams + 1 {
		long = strings.Replace(long, "/:p", fmt.Sprintf("/:q%d", i), 1)
	}
	for _, path := range []string{
		"", "a", "*", "/a*", "/*/a", "/*x", "/:", "/:a.b", "/:a*", "/:x/:x", "/a/./b", "/..", "/a?b", "/a#b", "/a%20b", "/a\x00", long,
	} {
		if wrong := wrongRules(t, Rule{Path: path}); len(wrong.Problems) != 1 || wrong.Problems[0].Field != "path" {
			t.Errorf("%q: %v, want one problem with the path", path, wrong)
		}
	}
	for _, path := range []string{"/100%", "/a b", "/é", "/a:b", "/:1/x", "/a//"} {
		mustCompile(t, Rule{Path: path})
	}
}

func TestRefusedHosts(t *testing.T) {
	for _, name := range []string{
		"", ".", "*.", "a..b", ".a", "a b", "a/b", "*a.com", "*.*.a", "a.*", "münchen.de", "a:1", "[::1]:1", "u@a", strings.Repeat("a", 254),
	} {
		if wrong := wrongRules(t, Rule{Path: "/", Hosts: []string{name}}); len(wrong.Problems) != 1 || wrong.Problems[0].Field != "hosts" {
			t.Errorf("%q: %v, want one problem with the host", name, wrong)
		}
	}
	for _, name := range []string{"*", "localhost", "127.0.0.1", "::1", "[::1]", "_x.a", "*.com", "xn--mnchen-3ya.de"} {
		mustCompile(t, Rule{Path: "/", Hosts: []string{name}})
	}
}
