package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// sizeCases differ in the length of the answer alone.
var sizeCases = []string{"small", "4k", "16k", "100k", "400k", "1m"}

// colours are told apart by everybody.
var colours = map[string]string{"sluice": "#0072b2", "nginx": "#009e73", "haproxy": "#d55e00", "caddy": "#b0589a"}

// charts are those that the results are enough for.
func charts(r results, idle idleResults) []chart {
	var drawn []chart
	for _, c := range []chart{cpuChart(r), latencyChart(r), memoryChart(idle)} {
		if slices.ContainsFunc(c.series, func(s series) bool { return len(s.points) > 1 }) {
			drawn = append(drawn, c)
		}
	}
	return drawn
}

// cpuChart is CPU per request by the size of the answer.
func cpuChart(r results) chart {
	c := chart{
		file: "cpu.svg", title: "CPU time per request, one core each",
		x: axis{label: "size of the answer's body", log: true, tick: size},
		y: axis{label: "CPU, µs per request", log: true, tick: number},
	}
	for _, k := range kinds {
		s := series{name: k.name, colour: colours[k.name]}
		for _, name := range sizeCases {
			if rounds := r[resultKey{name, k.name}]; len(rounds) > 0 {
				s.points = append(s.points, point{float64(caseNamed(name).bytes), median(rounds, measurement.cpuPerRequest)})
			}
		}
		c.add(s)
	}
	return c
}

// latencyChart is latency by the rate of requests, whatever the answers do.
func latencyChart(r results) chart {
	c := chart{
		file: "latency.svg", title: "Latency at fixed rates (open loop), answer of 90 B",
		x: axis{label: "requests offered per second", zero: true, tick: number},
		y: axis{label: "latency, ms", log: true, tick: number},
	}
	for _, k := range kinds {
		p50 := series{name: k.name + " p50", colour: colours[k.name]}
		p99 := series{name: k.name + " p99", colour: colours[k.name], dashed: true}
		for _, tested := range cases {
			rounds := r[resultKey{tested.name, k.name}]
			if !tested.open() || tested.setup != "" || len(rounds) == 0 {
				continue
			}
			offered := rounds[0].offered
			p50.points = append(p50.points, point{offered, median(rounds, measurement.millis50)})
			p99.points = append(p99.points, point{offered, median(rounds, measurement.millis99)})
		}
		c.add(p50)
		c.add(p99)
	}
	return c
}

// memoryChart is resident memory by the number of idle connections.
func memoryChart(idle idleResults) chart {
	c := chart{
		file: "memory.svg", title: "Memory of idle keep-alive connections",
		x: axis{label: "idle connections", zero: true, tick: number},
		y: axis{label: "resident memory, MiB", zero: true, tick: number},
	}
	for _, k := range kinds {
		s := series{name: k.name, colour: colours[k.name]}
		for _, p := range idle[k.name] {
			s.points = append(s.points, point{float64(p.connections), mebibytes(p.now)})
		}
		c.add(s)
	}
	return c
}

// add adds a line, with its points from left to right, if it has any.
func (c *chart) add(s series) {
	if len(s.points) == 0 {
		return
	}
	slices.SortFunc(s.points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	c.series = append(c.series, s)
}

// writePlots draws charts into a folder, and returns the names of the files.
func writePlots(folder string, drawn []chart) ([]string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("cannot write plots: %w", err)
	}
	var files []string
	for _, c := range drawn {
		if err := os.WriteFile(filepath.Join(folder, c.file), []byte(c.svg()), 0o644); err != nil {
			return nil, fmt.Errorf("cannot write a plot: %w", err)
		}
		files = append(files, c.file)
	}
	return files, nil
}
