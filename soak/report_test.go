package main

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// samplesOf makes samples under load with the given resident MiB and goroutines.
func samplesOf(values ...[2]int) (samples []sample) {
	samples = append(samples, sample{phase: rest})
	for _, v := range values {
		samples = append(samples, sample{phase: load, resident: v[0] << 20, goroutines: v[1]})
	}
	return append(samples, sample{phase: rest, resident: 900 << 20})
}

func TestGrowth(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples []sample
		want    string
	}{
		{"flat", samplesOf([2]int{30, 100}, [2]int{31, 140}, [2]int{32, 110}), ""},
		{"memory", samplesOf([2]int{30, 100}, [2]int{40, 100}, [2]int{50, 100}), "resident"},
		{"goroutines", samplesOf([2]int{30, 100}, [2]int{30, 200}, [2]int{30, 300}), "goroutines"},
		{"too few", samplesOf([2]int{30, 100}), "too few"},
	} {
		got := errors.Join((&report{samples: tt.samples}).growth()...)
		if (got == nil) != (tt.want == "") || got != nil && !strings.Contains(got.Error(), tt.want) {
			t.Errorf("%s: growth is %v, want %q", tt.name, got, tt.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	flat := samplesOf([2]int{30, 100}, [2]int{30, 100}, [2]int{30, 100})
	left := append([]sample{}, flat...)
	left[len(left)-1].goroutines = 50
	for _, tt := range []struct {
		name    string
		samples []sample
		clients func(*tally)
		want    bool
	}{
		{"good", flat, func(t *tally) { t.done(goodPrefix+"get", nil) }, true},
		{"no request at all", flat, func(*tally) {}, false},
		{"one failed of many", flat, func(t *tally) {
			t.done(goodPrefix+"get", nil)
			t.done(goodPrefix+"get", io.ErrUnexpectedEOF)
		}, false},
		{"a hostile client stays", flat, func(t *tally) {
			t.done(goodPrefix+"get", nil)
			t.done("hostile: says nothing", errors.New("not got rid of"))
		}, false},
		{"goroutines are left", left, func(t *tally) { t.done(goodPrefix+"get", nil) }, false},
	} {
		var clients tally
		tt.clients(&clients)
		if got := (&report{samples: tt.samples}).print(io.Discard, &clients); got != tt.want {
			t.Errorf("%s: verdict %v, want %v", tt.name, got, tt.want)
		}
	}
}
