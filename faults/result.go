package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// result is what a fault came to for one proxy.
type result struct {
	fault *fault
	proxy string
	na    string // why it was not tried, else empty

	sent       int
	idempotent int // failed, while a target lived
	other      int // failed, of those that may not be repeated
	noTarget   int // failed while no target lived
	cut        int // answers that were cut off once begun, which the fault is about
	retried    int
	repeated   int // idempotent requests that more than one origin read
	twice      int // others that were read more than once
	p99, worst time.Duration
	notes      []string
	broken     []string // promises
	outs       map[string]int
}

// judge counts what became of the requests, and holds it against the promises.
func (s *stage) judge(f *fault) (*result, error) {
	r := &result{fault: f, proxy: s.kind.name, sent: len(s.tally.all), retried: s.retried, notes: s.notes, broken: s.broken,
		outs: map[string]int{}}
	var alive []sent
	for _, q := range s.tally.all {
		during := slices.ContainsFunc(s.dead, func(sp span) bool { return sp.touches(q) })
		if !during {
			alive = append(alive, q)
		}
		if q.out == well {
			continue
		}
		r.outs[kindOf(q.method)+": "+q.out]++
		switch {
		case s.excused != nil && s.excused(q):
			r.sent--
		case q.out == wrong:
			r.broken = append(r.broken, fmt.Sprintf("%s got another's answer", q.id))
		case during:
			r.noTarget++
		case q.out == cutShort && f.cuts:
			r.cut++
		case idempotent(q.method):
			r.idempotent++
		default:
			r.other++
		}
	}
	r.p99, r.worst = percentile(alive, 0.99), percentile(alive, 1)
	if err := s.countRepeats(r); err != nil {
		return nil, err
	}
	if r.idempotent > 0 {
		r.broken = append(r.broken, fmt.Sprintf("%d idempotent requests failed while a target lived", r.idempotent))
	}
	if r.other > 0 && f.posts {
		r.broken = append(r.broken, fmt.Sprintf("%d requests that may not be repeated failed", r.other))
	}
	if r.twice > 0 {
		r.broken = append(r.broken, fmt.Sprintf("%d requests that may not be repeated were sent twice", r.twice))
	}
	if r.sent == 0 {
		r.broken = append(r.broken, "nothing was sent")
	}
	return r, nil
}

// countRepeats counts the requests that origins have read more than once.
func (s *stage) countRepeats(r *result) error {
	text, err := os.ReadFile(filepath.Join(s.dir, "notes"))
	if err != nil {
		return err
	}
	times := map[string]int{}
	for line := range bytes.Lines(text) {
		times[string(line)]++
	}
	for line, n := range times {
		switch {
		case n < 2:
		case strings.HasPrefix(line, http.MethodPost):
			r.twice++
		default:
			r.repeated++
		}
	}
	return nil
}

func kindOf(method string) string {
	if idempotent(method) {
		return "idempotent"
	}
	return method
}

// tell is the result for people at a terminal.
func (r *result) tell() string {
	if r.na != "" {
		return fmt.Sprintf("%-14s %-8s n/a: %s\n", r.fault.name, r.proxy, r.na)
	}
	text := fmt.Sprintf("%-14s %-8s sent %5d, failed %d idempotent + %d POST, no target %d, cut %d, retried %d, POST twice %d, p99 %v, worst %v %s\n",
		r.fault.name, r.proxy, r.sent, r.idempotent, r.other, r.noTarget, r.cut, r.retried, r.twice,
		r.p99.Round(time.Millisecond/10), r.worst.Round(time.Millisecond), strings.Join(r.notes, "; "))
	for _, out := range slices.Sorted(maps.Keys(r.outs)) {
		text += fmt.Sprintf("    %5d x %s\n", r.outs[out], out)
	}
	for _, b := range r.broken {
		text += fmt.Sprintf("    broken: %s\n", b)
	}
	return text
}
