package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// target is what Sluice is to keep to.
type target struct {
	what  string
	value func(results) (float64, bool) // false if it was not measured
	most  float64
	least float64 // where it is more that is good; most is 0 then
}

// targets are those of the project; bench/README.md tells them too.
var targets = []target{
	cpuTarget("small", .95), cpuTarget("post1k", .95), cpuTarget("16k", .95), cpuTarget("100k", .55), cpuTarget("1m", .60),
	cpuTarget("unix", .95), cpuTarget("newconn", 1), cpuTarget("log", .95),
	{what: "metrics: % of CPU they cost", value: metricsCost, most: 1},
	{what: "twocores: requests/s to " + baseline, value: toBaseline("twocores", measurement.throughput), least: 1},
	cpuTarget("rate2k", 1.1), cpuTarget("rate10k", 1.1), cpuTarget("rate30k", 1.1),
	{what: "idlecpu: % of a core", value: ofSubject("idlecpu", measurement.busy), most: .1},
	{what: "small: p50 to " + baseline, value: toBaseline("small", measurement.millis50), most: 1},
	{what: "small: p99 to " + baseline, value: toBaseline("small", measurement.millis99), most: 1},
	{what: "half: p50 to " + baseline, value: toBaseline("half", measurement.millis50), most: 1},
	{what: "half: p99 to " + baseline, value: toBaseline("half", measurement.millis99), most: 1},
	{what: "peak MiB, the largest of the cases beside the peers", value: largestPeak, most: 64},
	{what: "CPU with 100,000 routes to that with 10", value: toCase("routes100k", "routes10"), most: 1.1},
	{what: "CPU with 1,000 targets to that with 3", value: toCase("targets1000", "targets3"), most: 1.1},
	{what: "reload100k: p99 ms above still100k's", value: reloadCost, most: 5},
}

func cpuTarget(name string, most float64) target {
	return target{what: name + ": CPU to " + baseline, value: toBaseline(name, measurement.cpuPerRequest), most: most}
}

func toBaseline(name string, of func(measurement) float64) func(results) (float64, bool) {
	return func(r results) (float64, bool) {
		return r.ratio(resultKey{name, subject}, resultKey{name, baseline}, of)
	}
}

// toCase compares Sluice's CPU time in two cases.
func toCase(name, base string) func(results) (float64, bool) {
	return func(r results) (float64, bool) {
		return r.ratio(resultKey{name, subject}, resultKey{base, subject}, measurement.cpuPerRequest)
	}
}

func ofSubject(name string, of func(measurement) float64) func(results) (float64, bool) {
	return func(r results) (float64, bool) {
		rounds := r[resultKey{name, subject}]
		if len(rounds) == 0 {
			return 0, false
		}
		return median(rounds, of), true
	}
}

func largestPeak(r results) (largest float64, ok bool) {
	for _, c := range cases {
		if c.group == "scale" {
			continue
		}
		if peak, measured := ofSubject(c.name, measurement.mebibytes)(r); measured {
			largest, ok = max(largest, peak), true
		}
	}
	return largest, ok
}

// metricsCost is how much more a request costs where it is counted, in %.
func metricsCost(r results) (float64, bool) {
	ratio, ok := r.ratio(resultKey{"metrics", subject}, resultKey{"metrics", unmetered}, r.finest())
	return 100 * (ratio - 1), ok
}

// finest is the least noisy measure there is of the work of the case metrics:
// processor cycles, or CPU time where the kernel does not count those.
func (r results) finest() func(measurement) float64 {
	for _, m := range r[resultKey{"metrics", subject}] {
		if m.work.cycles == 0 {
			return measurement.cpuPerRequest
		}
	}
	return measurement.cycles
}

func reloadCost(r results) (float64, bool) {
	during, ok1 := ofSubject("reload100k", measurement.millis99)(r)
	still, ok2 := ofSubject("still100k", measurement.millis99)(r)
	return during - still, ok1 && ok2
}

// verdicts is a table of the targets that were measured; empty if none was.
func verdicts(r results, idle idleResults) string {
	var out strings.Builder
	all := append(slices.Clip(targets), target{what: "KiB of an idle connection", most: 2, value: func(results) (float64, bool) { return idle.each(subject) }})
	for _, t := range all {
		value, ok := t.value(r)
		if !ok {
			continue
		}
		if out.Len() == 0 {
			out.WriteString("| Sluice's targets | measured | target | |\n|---|--:|--:|---|\n")
		}
		bound, met := fmt.Sprintf("≤ %g", t.most), value <= t.most
		if t.least > 0 {
			bound, met = fmt.Sprintf("≥ %g", t.least), value >= t.least
		}
		verdict := "missed"
		if met {
			verdict = "met"
		}
		fmt.Fprintf(&out, "| %s | %.2f | %s | %s |\n", t.what, value, bound, verdict)
	}
	return out.String()
}

// middle is the median; the lower one of an even number.
func middle(times []time.Duration) time.Duration {
	return median(times, func(t time.Duration) time.Duration { return t })
}
