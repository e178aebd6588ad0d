package main

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// The build that counts no requests is otherwise the same Sluice: it serves, and
// its metrics are there.
func TestUnmeteredCountsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds Sluice twice")
	}
	t.Chdir("..") // what is built is named from the repository's root
	b := &bench{dir: t.TempDir(), programs: map[string]string{}}
	defer b.stop()
	if err := b.build(t.Context(), "origin", "./bench/origin"); err != nil {
		t.Fatal(err)
	}
	cases, err := chooseCases("metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if k.name == subject || b.wanted(k, cases) {
			if err := b.findProxy(t.Context(), k); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.start(t.Context(), setupNamed("metrics")); err != nil {
		t.Fatal(err)
	}
	if len(b.proxies) != 2 {
		t.Fatalf("%d proxies run", len(b.proxies))
	}
	for _, p := range b.proxies {
		if err := check(t.Context(), p, cases); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		metrics, err := get(t.Context(), "http://"+p.admin+"/metrics", "")
		if err != nil {
			t.Fatal(err)
		}
		text := string(metrics)
		for _, name := range []string{"sluice_requests_total{", "sluice_upstream_requests_total{upstream=\"origin\"} 0\n", "sluice_in_flight_requests "} {
			want := strings.Contains(name, " ") == (p.name == unmetered) || strings.HasSuffix(name, " ")
			if strings.Contains(text, "\n"+name) != want {
				t.Errorf("%s: that it has %q is not %v", p.name, name, want)
			}
		}
	}
}

func setupNamed(name string) setup {
	for _, s := range setups {
		if s.name == name {
			return s
		}
	}
	panic(name)
}

// A variant of Sluice is built for its own case only, and never beside a binary
// from elsewhere.
func TestVariantsAreWanted(t *testing.T) {
	for _, c := range []struct {
		o     options
		cases string
		want  string
	}{
		{options{}, "", "sluice nginx haproxy caddy unmetered"},
		{options{}, "small", "sluice nginx haproxy caddy"},
		{options{proxies: "sluice"}, "setups", "sluice unmetered"},
		{options{proxies: "nginx"}, "setups", "nginx"},
		{options{sluice: "other"}, "metrics", "sluice nginx haproxy caddy"},
	} {
		b := &bench{options: c.o}
		cases, err := chooseCases(c.cases)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range kinds {
			if b.wanted(k, cases) {
				got = append(got, k.name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, not %s", c, got, c.want)
		}
	}
	for _, s := range setups {
		for _, k := range kinds {
			if k.name == unmetered && s.has(k) != (s.name == "metrics") {
				t.Errorf("setup %s has %s: %v", s.name, k.name, s.has(k))
			}
		}
	}
}

// The cost of metrics is worked out in cycles, or where there are none in CPU time.
func TestCostOfMetrics(t *testing.T) {
	key, base := resultKey{"metrics", subject}, resultKey{"metrics", unmetered}
	r := results{
		key:  {round(101, 0), round(102, 0), round(103, 0), round(130, 0)},
		base: {round(100, 0), round(100, 0), round(100, 0), round(100, 0)},
	}
	if got, ok := metricsCost(r); !ok || math.Abs(got-2) > 1e-9 {
		t.Errorf("by CPU time: %v, %v", got, ok)
	}
	if got := verdicts(r, nil); !strings.Contains(got, "| metrics: % of CPU they cost | 2.00 | ≤ 1 | missed |") {
		t.Errorf("verdict:\n%s", got)
	}
	for i := range r[key] {
		r[key][i].work, r[base][i].work = work{1005 + uint64(i), 2020}, work{1000, 2000}
	}
	if got, ok := metricsCost(r); !ok || math.Abs(got-.6) > 1e-9 {
		t.Errorf("by cycles: %v, %v", got, ok)
	}
	told := r.aside(caseNamed("metrics"))
	for _, part := range []string{"the middle half of the 4 pairs has +0.6 to +0.7 % of CPU", "2 instructions a request, +1.00 %"} {
		if !strings.Contains(told, part) {
			t.Errorf("it does not tell %q: %s", part, told)
		}
	}
	if _, ok := metricsCost(results{key: r[key]}); ok {
		t.Error("a cost without anything to compare with")
	}
}

// Counting slows what has many threads more than what has one.
func TestNoPeersWhereCyclesAreCounted(t *testing.T) {
	counted := 0
	for _, s := range setups {
		if !s.cycles {
			continue
		}
		counted++
		if !s.alone {
			t.Errorf("cycles are counted in the setup %q, where Sluice is compared with its peers", s.name)
		}
	}
	if counted == 0 {
		t.Error("cycles are counted nowhere")
	}
}

// The work of this test is counted where this can be, and grows.
func TestCounters(t *testing.T) {
	c := openCounters(os.Getpid())
	defer c.close()
	if len(c.cycles) == 0 {
		t.Skip("no cycles are counted here")
	}
	spin := 0
	for end := time.Now().Add(time.Millisecond); time.Now().Before(end); {
		spin++
	}
	first := c.read()
	if first.cycles == 0 || first.instructions < uint64(spin) {
		t.Errorf("%d turns are %+v", spin, first)
	}
	if then := c.read(); then.cycles <= first.cycles || then.instructions <= first.instructions {
		t.Errorf("%+v, then %+v", first, then)
	}
}
