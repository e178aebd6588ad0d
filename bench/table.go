package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// measurement is one case of one proxy in one round.
type measurement struct {
	load
	cpu     time.Duration // of all the proxy's processes
	elapsed time.Duration
	peak    int64 // bytes resident
}

// cpuPerRequest is in microseconds.
func (m measurement) cpuPerRequest() float64 {
	return float64(m.cpu) / float64(m.requests) / float64(time.Microsecond)
}

// resultKey names a row of the table.
type resultKey struct{ testCase, proxy string }

// results has a measurement for each round.
type results map[resultKey][]measurement

// errors is the number of requests that failed.
func (r results) errors() int {
	sum := 0
	for _, rounds := range r {
		for _, m := range rounds {
			sum += m.errors
		}
	}
	return sum
}

// median returns the middle of what value says of each round, of an even number
// of rounds the lower one.
func median[T cmp.Ordered](rounds []measurement, value func(measurement) T) T {
	values := make([]T, len(rounds))
	for i, m := range rounds {
		values[i] = value(m)
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// ratio is the median over the rounds of a proxy's CPU time for a request
// divided by the baseline's in the same round; ok is false without a baseline.
func (r results) ratio(key resultKey) (ratio float64, ok bool) {
	own, base := r[key], r[resultKey{key.testCase, baseline}]
	if len(base) != len(own) {
		return 0, false
	}
	ratios := make([]float64, len(own))
	for i := range own {
		ratios[i] = own[i].cpuPerRequest() / base[i].cpuPerRequest()
	}
	slices.Sort(ratios)
	return ratios[(len(ratios)-1)/2], true
}

// table prints the medians in Markdown, in the order of cases and kinds.
func (r results) table() string {
	var out strings.Builder
	out.WriteString("| case | proxy | requests/s | p50 ms | p99 ms | CPU µs/request | CPU to " + baseline +
		" | core busy | peak MiB | errors |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range cases {
		for _, k := range kinds {
			key := resultKey{c.name, k.name}
			if len(r[key]) > 0 {
				r.row(&out, key)
			}
		}
	}
	return out.String()
}

func (r results) row(out *strings.Builder, key resultKey) {
	rounds := r[key]
	ratio := "-"
	if value, ok := r.ratio(key); ok {
		ratio = fmt.Sprintf("%.2f", value)
	}
	failed := 0
	for _, m := range rounds {
		failed += m.errors
	}
	fmt.Fprintf(out, "| %s | %s | %.0f | %.2f | %.2f | %.1f | %s | %.0f %% | %.1f | %d |\n",
		key.testCase, key.proxy,
		median(rounds, func(m measurement) float64 { return m.perSecond }),
		median(rounds, func(m measurement) float64 { return 1000 * m.p50.Seconds() }),
		median(rounds, func(m measurement) float64 { return 1000 * m.p99.Seconds() }),
		median(rounds, measurement.cpuPerRequest),
		ratio,
		median(rounds, func(m measurement) float64 { return 100 * m.cpu.Seconds() / m.elapsed.Seconds() }),
		median(rounds, func(m measurement) float64 { return float64(m.peak) / (1 << 20) }),
		failed)
}
