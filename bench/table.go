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
	work    work          // zero where the kernel counts none
	elapsed time.Duration
	peak    int64           // bytes resident
	lines   int             // written to the access log
	reloads []time.Duration // of Sluice's config meanwhile
}

// What is worked out of a measurement, in the units of the table.
func (m measurement) cpuPerRequest() float64 {
	return float64(m.cpu) / float64(m.requests) / float64(time.Microsecond)
}
func (m measurement) cycles() float64 { return float64(m.work.cycles) / float64(m.requests) }
func (m measurement) instructions() float64 {
	return float64(m.work.instructions) / float64(m.requests)
}
func (m measurement) throughput() float64 { return m.perSecond }
func (m measurement) busy() float64       { return 100 * m.cpu.Seconds() / m.elapsed.Seconds() }
func (m measurement) mebibytes() float64  { return mebibytes(m.peak) }
func (m measurement) millis50() float64   { return 1000 * m.p50.Seconds() }
func (m measurement) millis99() float64   { return 1000 * m.p99.Seconds() }
func (m measurement) millis999() float64  { return 1000 * m.p999.Seconds() }

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
func median[S any, T cmp.Ordered](rounds []S, value func(S) T) T {
	values := make([]T, len(rounds))
	for i, m := range rounds {
		values[i] = value(m)
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// ratio is the median over the rounds of what a proxy's measurements say divided
// by what those of another row say in the same round; ok is false without those.
func (r results) ratio(key, base resultKey, of func(measurement) float64) (ratio float64, ok bool) {
	ratios := r.ratios(key, base, of)
	if len(ratios) == 0 {
		return 0, false
	}
	return ratios[(len(ratios)-1)/2], true
}

// ratios are those of each round, sorted.
func (r results) ratios(key, base resultKey, of func(measurement) float64) []float64 {
	own, others := r[key], r[base]
	if len(others) != len(own) {
		return nil
	}
	ratios := make([]float64, len(own))
	for i := range own {
		ratios[i] = of(own[i]) / of(others[i])
	}
	slices.Sort(ratios)
	return ratios
}

// table prints the medians in Markdown, in the order of cases and kinds; nothing
// if there are none.
func (r results) table() string {
	if len(r) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("| case | proxy | CPU µs/request | to " + baseline + " | requests/s | to " + baseline +
		" | p50 ms | p99 ms | p99.9 ms | core busy | peak MiB | errors |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
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
	failed := 0
	for _, m := range rounds {
		failed += m.errors
	}
	base := resultKey{key.testCase, baseline}
	cell := func(format string, of func(measurement) float64) {
		text := "-"
		if rounds[0].requests > 0 {
			text = fmt.Sprintf(format, median(rounds, of))
		}
		fmt.Fprintf(out, " %s |", text)
	}
	compared := func(of func(measurement) float64) {
		text := "-"
		if value, ok := r.ratio(key, base, of); ok && rounds[0].requests > 0 {
			text = fmt.Sprintf("%.2f", value)
		}
		fmt.Fprintf(out, " %s |", text)
	}
	fmt.Fprintf(out, "| %s | %s |", key.testCase, key.proxy)
	cell("%.1f", measurement.cpuPerRequest)
	compared(measurement.cpuPerRequest)
	cell("%.0f", measurement.throughput)
	compared(measurement.throughput)
	cell("%.2f", measurement.millis50)
	cell("%.2f", measurement.millis99)
	cell("%.2f", measurement.millis999)
	busy, digits := median(rounds, measurement.busy), 0
	if busy < 1 {
		digits = 3
	}
	fmt.Fprintf(out, " %.*f %% | %.1f | %d |\n", digits, busy, median(rounds, measurement.mebibytes), failed)
}
