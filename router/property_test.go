package router

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// dice makes rules and requests over few words, so that they meet. Its choices come from the bytes of a fuzzer or from a
// generator of random numbers.
type dice func(n int) int

func randomDice(seed uint64) dice {
	return rand.New(rand.NewPCG(seed, 1)).IntN
}

// byteDice rolls zeros when the bytes are used up.
func byteDice(data []byte) dice {
	return func(n int) int {
		if len(data) == 0 {
			return 0
		}
		roll := int(data[0]) % n
		data = data[1:]
		return roll
	}
}

func (d dice) pick(from []string) string { return from[d(len(from))] }

func (d dice) some(from []string, most int) []string {
	var list []string
	for range d(most + 1) {
		if s := d.pick(from); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

var (
	ruleHosts    = []string{"a.com", "b.a.com", "*.a.com", "*.b.a.com", "*.com", "*", "c"}
	requestHosts = []string{"a.com", "b.a.com", "c.b.a.com", "x.a.com", "x.com", "c", "", "b.c", ".a.com", "..com"}
	ruleParts    = []string{"a", "b", "a", ":", ":", "ab", "a:b"}
	requestParts = []string{"a", "b", "a", "x", "ab", "a:b", "", ":", "*", "a\x00cb", "\xff"}
	allMethods   = []string{"GET", "HEAD", "POST", "PUT"}
)

func (d dice) rule(i int) Rule {
	r := Rule{Name: fmt.Sprintf("r%02d", i), Hosts: d.some(ruleHosts, 2)}
	if d(3) == 0 {
		r.Methods = d.some(allMethods, 2)
	}
	var b strings.Builder
	depth := d(5)
	for i := range depth {
		part := d.pick(ruleParts)
		if part == ":" {
			part = fmt.Sprintf(":p%d", i+d(2)*10)
		}
		b.WriteString("/" + part)
	}
	switch d(4) {
	case 0:
		b.WriteString("/*")
	case 1:
		b.WriteString("/")
	case 2:
		b.WriteString("//a")
	default:
		if depth == 0 {
			b.WriteString("/")
		}
	}
	r.Path = b.String()
	for _, wanted := range []*map[string]string{&r.Headers, &r.Query, &r.Cookies} {
		if d(4) == 0 {
			*wanted = map[string]string{"X": d.pick(sampleWants)}
			if d(3) == 0 {
				(*wanted)["Y"] = d.pick(sampleWants)
			}
		}
	}
	return r
}

func (d dice) request() (host, method, path string, req *request) {
	host, method = d.pick(requestHosts), d.pick(allMethods)
	if d(20) == 0 {
		return host, method, d.pick([]string{"*", "", "a", "a/b"}), &request{}
	}
	var b strings.Builder
	for range 1 + d(5) {
		b.WriteString("/" + d.pick(requestParts))
	}
	values := func() map[string][]string {
		m := map[string][]string{}
		for _, name := range []string{"X", "Y"} {
			for range d(3) {
				m[name] = append(m[name], d.pick(sampleValues))
			}
		}
		return m
	}
	return host, method, b.String(), &request{headers: values(), query: values(), cookies: values()}
}

// checkTable makes a table, with ties if so wanted, and compares it with the naive one. It returns the layers used.
func checkTable(t *testing.T, d dice, most, lookups int) int {
	t.Helper()
	var rules []Rule
	tied := false
	keepTies := d(4) == 0
	for i := range 1 + d(most) {
		r := d.rule(i)
		if slices.ContainsFunc(rules, func(other Rule) bool { return naiveTie(&other, &r) }) {
			if !keepTies {
				continue
			}
			tied = true
		}
		rules = append(rules, r)
	}
	if tied {
		checkConflicts(t, rules)
		return 0
	}
	// As after a reload: some hosts have paths that they had not.
	table, err := CompileAfter(mustCompile(t, rules[d(1+len(rules)/2):]...), rules)
	if err != nil {
		t.Fatalf("%+v\n%v", rules, err)
	}
	for range lookups {
		host, method, path, req := d.request()
		r, allow := table.Match([]byte(host), []byte(method), []byte(path), req)
		got := -1
		if r != nil {
			got = r.Index
		}
		want, wantAllow := naiveMatch(rules, host, method, path, req)
		if got != want || allow != wantAllow {
			t.Fatalf("%+v\n%s %q %q %+v: got %d %q, want %d %q", rules, method, host, path, *req, got, allow, want, wantAllow)
		}
		checkExplained(t, table, host, method, path, req, r)
	}
	layers := 0
	for _, ht := range table.hosts {
		layers = max(layers, len(ht.layers))
	}
	return layers
}

func checkConflicts(t *testing.T, rules []Rule) {
	t.Helper()
	wrong := wrongRules(t, rules...)
	for _, c := range wrong.Conflicts {
		if !naiveTie(&rules[c.Rules[0]], &rules[c.Rules[1]]) {
			t.Fatalf("%+v\n%+v is no tie", rules, c)
		}
	}
	for j := range rules {
		tied := slices.ContainsFunc(rules[:j], func(r Rule) bool { return naiveTie(&r, &rules[j]) })
		named := slices.ContainsFunc(wrong.Conflicts, func(c Conflict) bool { return c.Rules[0] == j || c.Rules[1] == j })
		if tied && !named {
			t.Fatalf("%+v\nthe tie of %d is not named in %v", rules, j, wrong)
		}
	}
}

func checkExplained(t *testing.T, table *Table, host, method, path string, req *request, chosen *Route) {
	t.Helper()
	var found *Route
	for _, c := range table.Explain([]byte(host), []byte(method), []byte(path), req) {
		if c.Chosen == (c.Reason != "") {
			t.Fatalf("candidate %+v is neither chosen nor refused", c)
		}
		if c.Chosen {
			found = c.Route
		}
	}
	if found != chosen {
		t.Fatalf("%s %q %q: explained as %v, but %v was chosen", method, host, path, found, chosen)
	}
}

func TestAgainstNaiveMatcher(t *testing.T) {
	tables := 1500
	if testing.Short() {
		tables = 200
	}
	layers := 0
	for seed := range tables {
		layers = max(layers, checkTable(t, randomDice(uint64(seed)), 24, 40))
	}
	t.Logf("%d tables, at most %d layers", tables, layers)
}

// TestAgainstNaiveMatcherDense has more rules on fewer hosts, without predicates to keep them from tying.
func TestAgainstNaiveMatcherDense(t *testing.T) {
	for seed := range uint64(40) {
		d := randomDice(seed)
		var rules []Rule
		shapes := map[string]bool{}
		for i := range 300 {
			r := d.rule(i)
			r = Rule{Name: r.Name, Path: r.Path}
			if !shapes[naiveShape(r.Path)] {
				shapes[naiveShape(r.Path)] = true
				rules = append(rules, r)
			}
		}
		table := mustCompile(t, rules...)
		for range 200 {
			_, method, path, req := d.request()
			want := "404"
			if i, _ := naiveMatch(rules, "h", method, path, req); i >= 0 {
				want = rules[i].Name
			}
			if got := match(table, "h", method, path, req); got != want {
				t.Fatalf("seed %d: %q goes to %s, want %s", seed, path, got, want)
			}
		}
	}
}

// FuzzMatch compares tables and requests made of the fuzzer's bytes with the naive matcher, then asks for the raw bytes
// themselves as a path.
func FuzzMatch(f *testing.F) {
	f.Add([]byte("a few bytes to choose rules and requests by"), "/a//b", "b.a.com")
	f.Add([]byte{3, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "/\x00:*/a:b", "..com")
	f.Add([]byte{255, 254, 7, 7, 7, 1, 1, 1}, "*", "")
	f.Fuzz(func(t *testing.T, data []byte, path, host string) {
		checkTable(t, byteDice(data), 12, 4)
		rules := paths("/a", "/a/", "/:x", "/a/:x", "/a/:x/b", "/:x/a:b/*", "/a//b", "/*")
		rules = append(rules, Rule{Name: "host", Hosts: []string{"*.com", "a.com"}, Path: "/:y/*"})
		want := "404"
		if i, _ := naiveMatch(rules, host, "GET", path, &request{}); i >= 0 {
			want = rules[i].Name
		}
		table := mustCompile(t, rules...)
		if got := match(table, host, "GET", path, nil); got != want {
			t.Fatalf("%q%q goes to %s, want %s", host, path, got, want)
		}
		for _, r := range table.Routes() {
			for _, name := range []string{"x", "y", "*"} {
				r.Param([]byte(path), name) // must not panic, whether it matched or not
			}
		}
	})
}

// FuzzCompile: no path or host makes Compile panic, and a path that it takes is found again.
func FuzzCompile(f *testing.F) {
	f.Add("/a/:b/*", "*.a.com")
	f.Add("/a:b//:c/", "[::1]")
	f.Fuzz(func(t *testing.T, path, host string) {
		if _, err := Compile([]Rule{{Path: path, Hosts: []string{host}}}); err != nil && err.Error() == "" {
			t.Fatal("an error without text")
		}
		table, err := Compile([]Rule{{Name: "r", Path: path}})
		if err != nil {
			return
		}
		example := strings.NewReplacer("/:", "/", "*", "x").Replace(path)
		if got := match(table, host, "GET", example, nil); got != "r" {
			t.Fatalf("%q goes to %s, want %q", example, got, path)
		}
	})
}
