package telemetry

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

// TestWeightsAddUp rebuilds from a sample, and from a sample of one, what there was:
// the weights of lines add up to the number of requests, for each status too. What
// always goes on is exact, the rest within six standard deviations.
func TestWeightsAddUp(t *testing.T) {
	const oneIn = 20
	were := map[int]int{200: 150_000, 404: 40_000, 502: 300}
	var xs []*exchange.Exchange
	for status, n := range were {
		x := received(t, browser)
		if x.Status = status; status == 502 {
			x.Reason = exchange.ConnectFailed
		}
		for range n {
			xs = append(xs, x)
		}
	}
	slow := received(t, browser)
	slow.Status, slow.Duration = 206, time.Minute
	were[206] = 10
	for range were[206] {
		xs = append(xs, slow)
	}
	for _, stages := range []string{
		`{"filter": {"sample": {"one_in": 20}}}`,
		`{"filter": {"sample": {"one_in": 4}}}, {"filter": {"sample": {"one_in": 5}}}`,
	} {
		rebuilt, lines := make(map[int]float64), make(map[int]int)
		for line := range strings.Lines(logged(t, `"stages": [`+stages+`]`, xs...)) {
			var l struct {
				Weight float64
				Status int
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			if sampled := l.Status == 200 || l.Status == 404; sampled && l.Weight != oneIn || !sampled && l.Weight != 1 {
				t.Fatalf("line %s", line)
			}
			rebuilt[l.Status] += l.Weight
			lines[l.Status]++
		}
		for status, n := range were {
			deviation := 0.0
			if status < 500 && status != 206 {
				deviation = math.Sqrt(float64(n) * (oneIn - 1))
			}
			if math.Abs(rebuilt[status]-float64(n)) > 6*deviation {
				t.Errorf("%s: %v requests with status %d are rebuilt from %d lines, there were %d", stages, rebuilt[status], status, lines[status], n)
			}
		}
	}
}

// TestWeightDoesNotOverflow: many samples of samples stand for more than can be
// counted, and say so by the largest number there is.
func TestWeightDoesNotOverflow(t *testing.T) {
	f := filter{oneIn: 1_000_000}
	r := &record{x: sample(), weight: 1}
	for range 10 {
		f.pass(r)
	}
	if r.weight != math.MaxUint64 {
		t.Errorf("weight %d", r.weight)
	}
}
