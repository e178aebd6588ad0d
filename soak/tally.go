package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// tally counts what clients saw. Its methods may be called from any goroutine.
type tally struct {
	mu       sync.Mutex
	kinds    map[string]*count
	failures []string // the first of them
	failed   int
	slow     []time.Duration // of good requests since the last sample
}

type count struct{ done, failed int }

// maxTold bounds the failures that are kept to be printed.
const maxTold = 20

func (t *tally) of(kind string) *count {
	if t.kinds == nil {
		t.kinds = map[string]*count{}
	}
	c := t.kinds[kind]
	if c == nil {
		c = &count{}
		t.kinds[kind] = c
	}
	return c
}

// done notes what a client of the given kind came to; err nil says as it should.
func (t *tally) done(kind string, err error) {
	if err != nil {
		t.fail(kind, err)
		return
	}
	t.mu.Lock()
	t.of(kind).done++
	t.mu.Unlock()
}

func (t *tally) fail(kind string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(kind).failed++
	t.failed++
	if len(t.failures) < maxTold {
		t.failures = append(t.failures, fmt.Sprintf("%s %s: %v", time.Now().Format(time.TimeOnly), kind, err))
	}
}

// took notes how long a good request took that is answered at once.
func (t *tally) took(d time.Duration) {
	t.mu.Lock()
	t.slow = append(t.slow, d)
	t.mu.Unlock()
}

// p99 returns the time that ninety-nine of a hundred good requests were within,
// since it was last called, and forgets them.
func (t *tally) p99() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.slow) == 0 {
		return 0
	}
	slices.Sort(t.slow)
	d := t.slow[len(t.slow)*99/100]
	t.slow = t.slow[:0]
	return d
}

// totals returns how many good requests, and how many hostile connections, were
// done and failed.
func (t *tally) totals() (good, hostile count) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, c := range t.kinds {
		sum := &hostile
		if isGood(kind) {
			sum = &good
		}
		sum.done += c.done
		sum.failed += c.failed
	}
	return good, hostile
}

// print writes what each kind came to, and the first failures.
func (t *tally) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(w, "\n| clients | as they should | failed |\n|---|---:|---:|\n")
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		fmt.Fprintf(w, "| %s | %d | %d |\n", kind, t.kinds[kind].done, t.kinds[kind].failed)
	}
	for _, f := range t.failures {
		fmt.Fprintf(w, "\nfailed: %s\n", f)
	}
}
