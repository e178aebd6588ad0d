package router

import (
	"strings"
	"testing"
)

// TestUnchangedHostsShareTrees: a host is built anew only where its paths have changed; routes always are.
func TestUnchangedHostsShareTrees(t *testing.T) {
	rules := func(edited string) []Rule {
		return []Rule{
			{Name: "any", Path: "/*"},
			{Name: "kept", Hosts: []string{"kept.com"}, Path: "/a/:id/*"},
			{Name: "kept too", Hosts: []string{"kept.com"}, Path: "/a:b"},
			{Name: "edited", Hosts: []string{"edited.com"}, Path: edited},
			{Name: "wild", Hosts: []string{"*.com"}, Path: "/w"},
		}
	}
	before := mustCompile(t, rules("/old")...)
	next := rules("/new")
	next[1].Path, next[1].Name = "/a/:other/*", "renamed"
	next[4].Methods = []string{"GET"}
	next = append([]Rule{{Name: "more", Hosts: []string{"more.com"}, Path: "/"}}, next...)
	after, err := CompileAfter(before, next)
	if err != nil {
		t.Fatal(err)
	}
	for i, ht := range before.hosts {
		shares := after.of(ht.host).layers[0] == ht.layers[0]
		if want := ht.host.name != "edited.com"; shares != want {
			t.Errorf("host %d, %s: shares its trees: %v", i, ht.host, shares)
		}
	}
	for at, want := range map[string]string{
		"kept.com/a/7/x": "renamed", "kept.com/a:b": "kept too", "edited.com/new": "edited", "edited.com/old": "any",
		"x.com/w": "wild", "more.com/": "more", "kept.com/a": "any",
	} {
		host, path, _ := strings.Cut(at, "/")
		if got := match(after, host, "GET", "/"+path, nil); got != want {
			t.Errorf("%s goes to %s, want %s", at, got, want)
		}
	}
	if r, _ := after.Match([]byte("kept.com"), []byte("GET"), []byte("/a/7/x"), nil); r.Index != 2 {
		t.Errorf("the route has index %d, which is not that of its new rule", r.Index)
	}
	if got := match(before, "edited.com", "GET", "/old", nil); got != "edited" {
		t.Errorf("in the table before, a path goes to %s now", got)
	}
}
