package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// parsed fails unless text is an XML document.
func parsed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
}

func TestChart(t *testing.T) {
	c := chart{
		title: "a < b", x: axis{label: "bytes", log: true, tick: size}, y: axis{label: "µs & more", zero: true, tick: number},
		series: []series{{name: "one", colour: "#123456", points: []point{{10, 5}, {1000000, 95}}}, {name: "two", dashed: true, points: []point{{10, 50}}}},
	}
	got := c.svg()
	parsed(t, got)
	for _, want := range []string{
		"a &lt; b", "µs &amp; more", ">10 B<", ">1 MB<", ">0<", ">100<", `<rect width="100%" height="100%" fill="#fff"/>`,
		`<polyline points="80.0,363.5 600.0,66.5" fill="none" stroke="#123456"`, "stroke-dasharray",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// Whatever the values, there is something to see, and no number that is none.
func TestChartOfOddValues(t *testing.T) {
	for name, points := range map[string][]point{
		"none": nil, "one": {{5, 5}}, "the same": {{5, 5}, {5, 5}}, "zero": {{0, 0}}, "mixed": {{0, 1}, {1e-9, 1e9}}, "below": {{-1, -5}},
	} {
		for _, log := range []bool{false, true} {
			a := axis{log: log, tick: number}
			got := chart{x: a, y: a, series: []series{{points: points}}}.svg()
			parsed(t, got)
			if strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
				t.Errorf("%s, log %v:\n%s", name, log, got)
			}
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		axis      axis
		low, high float64
		want      []float64
	}{
		{axis{zero: true}, 20, 95, []float64{0, 20, 40, 60, 80, 100}},
		{axis{}, 20, 95, []float64{20, 40, 60, 80, 100}},
		{axis{log: true}, 90, 1 << 20, []float64{100, 1000, 10000, 100000, 1e6}},
		{axis{log: true}, 8, 60, []float64{5, 10, 20, 50, 100}},
		{axis{log: true}, 10, 100, []float64{10, 20, 50, 100}},
	} {
		if got := c.axis.scale([]float64{c.low, c.high}, 0, 1).ticks; !slices.Equal(got, c.want) {
			t.Errorf("%+v, %v to %v: got %v, want %v", c.axis, c.low, c.high, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.1: "0.1", 2000: "2,000", 1234567: "1,234,567", 999: "999"} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s", v, got)
		}
	}
	for v, want := range map[float64]string{90: "90 B", 1000: "1 KB", 16384: "16.384 KB", 1e6: "1 MB", 2e9: "2 GB"} {
		if got := size(v); got != want {
			t.Errorf("%v: got %s", v, got)
		}
	}
}

func TestPlotsAreOfWhatWasMeasured(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plots")
	at := func(offered float64) []measurement {
		m := round(10, 0)
		m.offered, m.p99 = offered, time.Second
		return []measurement{m}
	}
	r := results{
		{"small", "sluice"}: {round(9, 0)}, {"small", "nginx"}: {round(10, 0)},
		{"half", "sluice"}: at(25000), {"rate30k", "sluice"}: at(30000), {"rate2k", "sluice"}: at(2000), {"still100k", "sluice"}: at(1),
	}
	files, err := writePlots(folder, charts(r, nil))
	if err != nil || !slices.Equal(files, []string{"latency.svg"}) {
		t.Fatalf("one size is no plot; got %v, %v", files, err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "latency.svg"))
	if err != nil || strings.Count(string(text), "<circle") != 6 || !strings.Contains(string(text), ">sluice p99<") {
		t.Errorf("%v:\n%s", err, text)
	}
	var x []float64
	for _, p := range latencyChart(r).series[0].points {
		x = append(x, p.x)
	}
	if !slices.Equal(x, []float64{2000, 25000, 30000}) {
		t.Errorf("the points are at %v", x)
	}
	r[resultKey{"1m", "nginx"}] = []measurement{round(400, 0)}
	if files, err := writePlots(folder, charts(r, nil)); err != nil || !slices.Equal(files, []string{"cpu.svg", "latency.svg"}) {
		t.Errorf("got %v, %v", files, err)
	}
}
