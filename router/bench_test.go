package router

import (
	"fmt"
	"testing"
	"time"
)

// mixedRules is n rules as a fleet has them: services of five overlapping paths, some with methods; half of the services
// on hosts of four services each, the rest for any host.
func mixedRules(n int) []Rule {
	rules := make([]Rule, n)
	for i := range rules {
		r := Rule{Name: fmt.Sprintf("route-%d", i)}
		group, service := i/20, i/5
		switch i % 5 {
		case 0:
			r.Path = fmt.Sprintf("/api/v1/service-%d/status", service)
		case 1:
			r.Path = fmt.Sprintf("/api/v1/service-%d/users/:id", service)
		case 2:
			r.Path = fmt.Sprintf("/api/v1/service-%d/users/:id/posts/:post", service)
			r.Methods = []string{"GET", "POST"}
		case 3:
			r.Path = fmt.Sprintf("/static/app-%d/*", service)
		case 4:
			r.Path = fmt.Sprintf("/api/v1/service-%d/*", service)
		}
		switch group % 4 {
		case 0:
			r.Hosts = []string{fmt.Sprintf("tenant-%d.example.com", group)}
		case 1:
			r.Hosts = []string{fmt.Sprintf("*.tenant-%d.example.com", group)}
		}
		rules[i] = r
	}
	return rules
}

// mixedRequests is for each of some rules a request that it takes.
func mixedRequests(rules []Rule) (hosts, paths [][]byte) {
	step := max(1, len(rules)/997)
	for i := 0; i < len(rules); i += step {
		host := "www.example.com"
		switch group := i / 20; group % 4 {
		case 0:
			host = fmt.Sprintf("tenant-%d.example.com", group)
		case 1:
			host = fmt.Sprintf("eu.tenant-%d.example.com", group)
		}
		path := fmt.Sprintf("/api/v1/service-%d/", i/5)
		switch i % 5 {
		case 0:
			path += "status"
		case 1:
			path += "users/42"
		case 2:
			path += "users/42/posts/7"
		case 3:
			path = fmt.Sprintf("/static/app-%d/js/main.js", i/5)
		case 4:
			path += "else/where"
		}
		hosts, paths = append(hosts, []byte(host)), append(paths, []byte(path))
	}
	return hosts, paths
}

func TestMixedRulesTakeMixedRequests(t *testing.T) {
	rules := mixedRules(2000)
	table := mustCompile(t, rules...)
	hosts, paths := mixedRequests(rules)
	for i := range hosts {
		r, _ := table.Match(hosts[i], []byte("GET"), paths[i], nil)
		if r == nil || r.Index != i*(len(rules)/997) {
			t.Fatalf("%s%s goes to %v", hosts[i], paths[i], r)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rules := mixedRules(n)
			table := mustCompile(b, rules...)
			hosts, paths := mixedRequests(rules)
			method := []byte("GET")
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if r, _ := table.Match(hosts[i], method, paths[i], nil); r == nil {
					b.Fatalf("%s%s: no route", hosts[i], paths[i])
				}
				if i++; i == len(hosts) {
					i = 0
				}
			}
		})
	}
}

func BenchmarkMatchParallel(b *testing.B) {
	rules := mixedRules(1000)
	table := mustCompile(b, rules...)
	hosts, paths := mixedRequests(rules)
	method := []byte("GET")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i = (i + 1) % len(hosts) {
			table.Match(hosts[i], method, paths[i], nil)
		}
	})
}

// wideTables are tables of n rules that are unlike any fleet, and must compile fast all the same.
var wideTables = map[string]func(n int) []Rule{
	"mixed": mixedRules,
	"one host": func(n int) []Rule {
		return manyRules(n, func(i int) string { return fmt.Sprintf("/p%d/q%d", i%317, i) })
	},
	"behind one parameter": func(n int) []Rule {
		return manyRules(n, func(i int) string { return fmt.Sprintf("/x/:id/r%d", i) })
	},
	"crossing parameters": func(n int) []Rule {
		return manyRules(n, func(i int) string {
			if i%2 == 0 {
				return fmt.Sprintf("/t%d/x%d", i, i)
			}
			return fmt.Sprintf("/:a/s%d", i)
		})
	},
	"many kinds": func(n int) []Rule {
		return manyRules(n, func(i int) string {
			path := ""
			for bit := range 6 {
				if i>>bit&1 == 0 {
					path += fmt.Sprintf("/s%d", i>>6)
				} else {
					path += fmt.Sprintf("/:p%d", bit)
				}
			}
			return fmt.Sprintf("%s/e%d", path, i)
		})
	},
	"many hosts": func(n int) []Rule {
		rules := manyRules(n, func(i int) string { return []string{"/a%d", "/a%d/:x", "/:x/a%d", "/a%d/*"}[i%4] })
		for i := range rules {
			rules[i].Path = fmt.Sprintf(rules[i].Path, i)
			rules[i].Hosts = []string{fmt.Sprintf("h%d.example.com", i/20)}
		}
		return rules
	},
	"told apart by a header": func(n int) []Rule {
		rules := manyRules(n, func(int) string { return "/*" })
		for i := range rules {
			rules[i].Headers = map[string]string{"X-Tenant": fmt.Sprint(i)}
		}
		return rules
	},
}

func manyRules(n int, path func(i int) string) []Rule {
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = Rule{Name: fmt.Sprintf("r%d", i), Path: path(i)}
	}
	return rules
}

// TestCompileIsNotQuadratic compiles 20,000 rules of each kind. The bound is far above what it takes, and far below
// what comparing each rule with each would.
func TestCompileIsNotQuadratic(t *testing.T) {
	n := 20_000
	if raceEnabled {
		n = 2000
	}
	for name, rules := range wideTables {
		list := rules(n)
		start := time.Now()
		table := mustCompile(t, list...)
		took := time.Since(start)
		layers := 0
		for _, ht := range table.hosts {
			layers = max(layers, len(ht.layers))
		}
		t.Logf("%s: %v, %d layers", name, took, layers)
		if took > 10*time.Second {
			t.Errorf("%s: %v for %d rules", name, took, n)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for name, rules := range wideTables {
		b.Run(name, func(b *testing.B) {
			list := rules(100_000)
			b.ReportAllocs()
			for b.Loop() {
				mustCompile(b, list...)
			}
		})
	}
}
