package main

import (
	"strings"
	"testing"
	"time"
)

// round is a measurement of 1,000 requests at so many microseconds each.
func round(micros, failed int) measurement {
	return measurement{
		load:    load{requests: 1000, errors: failed, perSecond: 500, p50: time.Millisecond, p99: 2 * time.Millisecond, p999: 3 * time.Millisecond},
		cpu:     time.Duration(micros) * time.Millisecond,
		elapsed: 2 * time.Second,
		peak:    8 << 20,
	}
}

func TestTable(t *testing.T) {
	r := results{
		{"small", "sluice"}: {round(8, 0), round(30, 2), round(9, 1)},
		{"small", "nginx"}:  {round(10, 0), round(20, 0), round(10, 0)},
		{"1m", "haproxy"}:   {round(500, 0)},
	}
	r[resultKey{"idlecpu", "sluice"}] = []measurement{{cpu: time.Millisecond, elapsed: 2 * time.Second, peak: 8 << 20}}
	want := []string{
		"| small | sluice | 9.0 | 0.90 | 500 | 1.00 | 1.00 | 2.00 | 3.00 | 0.450 % | 8.0 | 3 |",
		"| small | nginx | 10.0 | 1.00 | 500 | 1.00 | 1.00 | 2.00 | 3.00 | 0.500 % | 8.0 | 0 |",
		"| 1m | haproxy | 500.0 | - | 500 | - | 1.00 | 2.00 | 3.00 | 25 % | 8.0 | 0 |",
		"| idlecpu | sluice | - | - | - | - | - | - | - | 0.050 % | 8.0 | 0 |",
	}
	got := strings.Split(strings.TrimSpace(r.table()), "\n")[2:]
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r.errors() != 3 {
		t.Errorf("%d errors, not 3", r.errors())
	}
}

func TestRatioPairsRounds(t *testing.T) {
	key, base := resultKey{"small", "sluice"}, resultKey{"small", "nginx"}
	r := results{
		key:  {round(10, 0), round(20, 0), round(60, 0)},
		base: {round(20, 0), round(10, 0), round(30, 0)},
	}
	if got, ok := r.ratio(key, base, measurement.cpuPerRequest); !ok || got != 2 {
		t.Errorf("got %v, %v; the middle of 0.5, 2 and 2 is 2", got, ok)
	}
	delete(r, base)
	if got, ok := r.ratio(key, base, measurement.cpuPerRequest); ok {
		t.Errorf("got %v without nginx", got)
	}
}

func TestMedianOfAnEvenNumberIsTheLower(t *testing.T) {
	rounds := []measurement{round(4, 0), round(1, 0), round(3, 0), round(2, 0)}
	if got := median(rounds, measurement.cpuPerRequest); got != 2 {
		t.Errorf("got %v", got)
	}
}

func TestVerdicts(t *testing.T) {
	if got := verdicts(results{}, nil); got != "" {
		t.Errorf("without results: %s", got)
	}
	fast, slow := round(10, 0), round(10, 0)
	fast.perSecond, slow.p99 = 1000, 9*time.Millisecond
	r := results{
		{"small", "sluice"}: {round(9, 0)}, {"small", "nginx"}: {round(10, 0)},
		{"16k", "sluice"}: {round(10, 0)}, {"16k", "nginx"}: {round(10, 0)},
		{"twocores", "sluice"}: {fast}, {"twocores", "nginx"}: {round(10, 0)},
		{"still100k", "sluice"}: {round(10, 0)}, {"reload100k", "sluice"}: {slow},
		{"idlecpu", "sluice"}: {{cpu: time.Millisecond, elapsed: 2 * time.Second}},
	}
	got := verdicts(r, idleResults{"sluice": {{0, 10 << 20, 0}, {1000, 10<<20 + 3000<<10, 0}}})
	for _, want := range []string{
		"| small: CPU to nginx | 0.90 | ≤ 0.95 | met |", "| 16k: CPU to nginx | 1.00 | ≤ 0.95 | missed |",
		"| twocores: requests/s to nginx | 2.00 | ≥ 1 | met |", "| reload100k: p99 ms above still100k's | 7.00 | ≤ 5 | missed |",
		"| idlecpu: % of a core | 0.05 | ≤ 0.1 | met |", "| 8.00 | ≤ 64 | met |", "| KiB of an idle connection | 3.00 | ≤ 2 | missed |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "post1k") {
		t.Errorf("a verdict on what was not measured:\n%s", got)
	}
}
