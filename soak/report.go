package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// phase says when a sample was taken.
type phase string

const (
	rest phase = "rest"
	load phase = "load"
)

// sample is the state of Sluice at one time.
type sample struct {
	phase       phase
	at          time.Duration // since the first
	resident    int           // bytes
	goroutines  int
	descriptors int
	clients     int // connections
	p99         time.Duration
	good        count // so far
	hostile     count
}

// report is all samples of a soak.
type report struct {
	every   time.Duration
	begun   time.Time
	samples []sample
	stacks  string // what goroutines were left doing at the end, if too many were
}

func (r *report) take(p *process, t *tally, ph phase) error {
	if r.begun.IsZero() {
		r.begun = time.Now()
	}
	s := sample{phase: ph, at: time.Since(r.begun), p99: t.p99()}
	s.good, s.hostile = t.totals()
	metrics, err := p.metrics("sluice_client_connections")
	s.clients = metrics["sluice_client_connections"]
	var errs [3]error
	s.resident, errs[0] = p.resident()
	s.descriptors, errs[1] = p.descriptors()
	s.goroutines, r.stacks, errs[2] = p.goroutines()
	r.samples = append(r.samples, s)
	return errors.Join(err, errs[0], errs[1], errs[2])
}

// What may be left when the traffic has ended, beyond what there was before.
const (
	slackGoroutines  = 8
	slackDescriptors = 8
)

// settle waits until Sluice has got rid of what the traffic left, and takes the
// last sample. Connections end within the timeouts of the config; goroutines
// that wait for another connection to serve stay for up to 20 s longer.
func (r *report) settle(p *process, t *tally) error {
	before := r.samples[0]
	for deadline := time.Now().Add(40 * time.Second); ; {
		time.Sleep(500 * time.Millisecond)
		if err := r.take(p, t, rest); err != nil {
			return err
		}
		last := r.samples[len(r.samples)-1]
		if last.left(before) == nil || time.Now().After(deadline) {
			return nil
		}
		r.samples = r.samples[:len(r.samples)-1]
	}
}

// left tells what there is more of than before the traffic.
func (s sample) left(before sample) (errs []error) {
	if n := s.goroutines - before.goroutines; n > slackGoroutines {
		errs = append(errs, fmt.Errorf("%d goroutines are left at rest", n))
	}
	if n := s.descriptors - before.descriptors; n > slackDescriptors {
		errs = append(errs, fmt.Errorf("%d descriptors are left at rest", n))
	}
	if s.clients > 0 {
		errs = append(errs, fmt.Errorf("%d client connections are left at rest", s.clients))
	}
	return errs
}

// growth compares the means of the last and the first third of the samples under
// load. A fraction and an amount more is noise: hostile clients come in waves,
// and garbage is not collected at once.
func (r *report) growth() (errs []error) {
	var loaded []sample
	for _, s := range r.samples {
		if s.phase == load {
			loaded = append(loaded, s)
		}
	}
	third := len(loaded) / 3
	if third == 0 {
		return []error{errors.New("too few samples to tell growth")}
	}
	for _, of := range []struct {
		name     string
		value    func(sample) int
		fraction float64
		amount   float64
	}{
		{"resident KiB", func(s sample) int { return s.resident >> 10 }, 0.15, 12 << 10},
		{"goroutines", func(s sample) int { return s.goroutines }, 0.2, 60},
		{"descriptors", func(s sample) int { return s.descriptors }, 0.2, 60},
	} {
		first, last := mean(loaded[:third], of.value), mean(loaded[len(loaded)-third:], of.value)
		if last > first*(1+of.fraction)+of.amount {
			errs = append(errs, fmt.Errorf("%s grew from %.0f in the first third to %.0f in the last", of.name, first, last))
		}
	}
	return errs
}

func mean(samples []sample, value func(sample) int) float64 {
	sum := 0
	for _, s := range samples {
		sum += value(s)
	}
	return float64(sum) / float64(len(samples))
}

// print writes the table and the verdict, and reports whether it is good.
func (r *report) print(w io.Writer, t *tally) bool {
	fmt.Fprintf(w, "| s | | RSS MiB | goroutines | descriptors | client conns | good | failed | p99 ms | hostile |\n")
	fmt.Fprintf(w, "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, s := range r.samples {
		fmt.Fprintf(w, "| %.0f | %s | %.1f | %d | %d | %d | %d | %d | %.1f | %d |\n", s.at.Seconds(), s.phase,
			float64(s.resident)/(1<<20), s.goroutines, s.descriptors, s.clients, s.good.done, s.good.failed,
			float64(s.p99)/float64(time.Millisecond), s.hostile.done)
	}
	t.print(w)
	errs := r.growth()
	if left := r.samples[len(r.samples)-1].left(r.samples[0]); left != nil {
		errs = append(errs, left...)
		fmt.Fprintf(w, "\n%s\n", r.stacks)
	}
	if t.failed > 0 {
		errs = append(errs, fmt.Errorf("%d clients were not served, or not got rid of, as they should", t.failed))
	}
	if good, _ := t.totals(); good.done == 0 {
		errs = append(errs, errors.New("no good request was served"))
	}
	for _, err := range errs {
		fmt.Fprintf(w, "\nverdict: %v\n", err)
	}
	if len(errs) == 0 {
		fmt.Fprintf(w, "\nverdict: ok: every good request answered with its own bytes, nothing grew, nothing left\n")
	}
	return len(errs) == 0
}
