package main

import (
	"strings"
	"testing"
	"time"
)

// round is a measurement of 1,000 requests at so many microseconds each.
func round(micros, failed int) measurement {
	return measurement{
		load:    load{requests: 1000, errors: failed, perSecond: 500, p50: time.Millisecond, p99: 2 * time.Millisecond},
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
	want := []string{
		"| small | sluice | 500 | 1.00 | 2.00 | 9.0 | 0.90 | 0 % | 8.0 | 3 |",
		"| small | nginx | 500 | 1.00 | 2.00 | 10.0 | 1.00 | 0 % | 8.0 | 0 |",
		"| 1m | haproxy | 500 | 1.00 | 2.00 | 500.0 | - | 25 % | 8.0 | 0 |",
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
	key := resultKey{"small", "sluice"}
	r := results{
		key:                {round(10, 0), round(20, 0), round(60, 0)},
		{"small", "nginx"}: {round(20, 0), round(10, 0), round(30, 0)},
	}
	if got, ok := r.ratio(key); !ok || got != 2 {
		t.Errorf("got %v, %v; the middle of 0.5, 2 and 2 is 2", got, ok)
	}
	delete(r, resultKey{"small", "nginx"})
	if got, ok := r.ratio(key); ok {
		t.Errorf("got %v without nginx", got)
	}
}

func TestMedianOfAnEvenNumberIsTheLower(t *testing.T) {
	rounds := []measurement{round(4, 0), round(1, 0), round(3, 0), round(2, 0)}
	if got := median(rounds, measurement.cpuPerRequest); got != 2 {
		t.Errorf("got %v", got)
	}
}
