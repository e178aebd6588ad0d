package upstream_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

// ward is an upstream whose targets are named by letters and need not be there:
// its clock is a bubble's, and outcomes are told to it, not caused.
type ward struct {
	t *testing.T
	*upstream.Pool
	mu     sync.Mutex
	events []string
}

func letters(t *testing.T, names string) (addresses []string) {
	for _, name := range names {
		addresses = append(addresses, fmt.Sprintf("unix:%s/%c", t.TempDir(), name))
	}
	return addresses
}

// inBubble runs a test on a clock of its own. The time it is given at the end is
// for the pools' own goroutines to end.
func inBubble(t *testing.T, names string, test func(t *testing.T, addresses []string)) {
	addresses := letters(t, names)
	synctest.Test(t, func(t *testing.T) {
		test(t, addresses)
		wait(time.Minute)
	})
}

func passive(failures int, maxEjected float64) func(*config.Upstream) {
	return func(d *config.Upstream) {
		d.Health = &config.Health{Passive: &config.PassiveHealth{
			Failures: failures, Window: config.Duration(10 * time.Second), Eject: config.Duration(10 * time.Second), MaxEjected: maxEjected,
		}}
	}
}

func newWard(t *testing.T, def config.Upstream) *ward {
	w := &ward{t: t}
	w.reload(def)
	t.Cleanup(func() {
		w.Stop()
		for _, target := range w.Targets {
			target.Retire()
		}
	})
	return w
}

// reload puts a definition in force.
func (w *ward) reload(def config.Upstream) {
	w.t.Helper()
	p, err := upstream.NewPool("u", def, w.Pool, upstream.Options{Event: w.event})
	if err != nil {
		w.t.Fatal(err)
	}
	p.Start()
	w.Pool = p
}

func (w *ward) event(e upstream.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what := e.What
	if e.Target != "" {
		what += " " + e.Target[strings.LastIndexByte(e.Target, '/')+1:]
	}
	w.events = append(w.events, what)
}

// told fails unless exactly these events have happened since it was called last.
func (w *ward) told(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.events, want) {
		w.t.Errorf("told %q, want %q", w.events, want)
	}
	w.events = nil
}

// fail lets n requests to a target fail to connect.
func (w *ward) fail(target, n int) {
	w.t.Helper()
	for range n {
		var trip upstream.Trip
		wantFailure(w.t, trip.Open(w.Targets[target], w.Pool, upstream.ReuseAny, time.Now(), time.Time{}), exchange.ConnectFailed)
	}
}

// are fails unless the targets are in these states.
func (w *ward) are(states ...string) {
	w.t.Helper()
	var got []string
	for _, target := range w.Targets {
		got = append(got, target.Health().State.String())
	}
	if !slices.Equal(got, states) {
		w.t.Errorf("targets are %v, want %v", got, states)
	}
}

// picks returns the targets that picks go to, as indexes, sorted.
func (w *ward) picks() (got []int) {
	for range 64 {
		if target := w.Pick(0, 0, nil); target != nil {
			if i := slices.Index(w.Targets, target); !slices.Contains(got, i) {
				got = append(got, i)
			}
		}
	}
	slices.Sort(got)
	return got
}

func (w *ward) picked(want ...int) {
	w.t.Helper()
	if got := w.picks(); !slices.Equal(got, want) {
		w.t.Errorf("picked are %v, want %v", got, want)
	}
}

// wait lets time pass and everything that is due happen.
func wait(d time.Duration) {
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
}

// TestHealthGoesOnOverReloads changes everything there is around an ejected target.
func TestHealthGoesOnOverReloads(t *testing.T) {
	addresses := letters(t, "abcd")
	w := newWard(t, definition(passive(1, 0.5), addresses[:3]...))
	w.fail(0, 1)
	since := w.Targets[0].Health().Since
	for _, edit := range []func(*config.Upstream){
		func(d *config.Upstream) { passive(1, 0.5)(d) },
		func(d *config.Upstream) { passive(2, 1)(d); d.Targets[0].Weight = 9 },
		func(d *config.Upstream) { passive(2, 1)(d); d.Connections.Max = 3 },
	} {
		w.reload(definition(edit, addresses[:3]...))
		if h := w.Targets[0].Health(); h.State != upstream.Ejected || h.Since != since || w.Targets[0].Node.Usable() {
			t.Errorf("after a reload the target is %v", h)
		}
	}
	w.told("target ejected a")
	w.fail(1, 1)
	w.are("ejected", "up", "up") // two are needed now
	w.reload(definition(passive(2, 1), addresses[1], addresses[3]))
	w.are("up", "up")
	w.reload(definition(passive(2, 1), addresses...))
	w.are("up", "up", "up", "up") // gone means forgotten
	w.fail(0, 2)
	w.told("target ejected a")
	w.reload(definition(nil, addresses...))
	w.told("target up a")
	w.fail(0, 50)
	w.picked(0, 1, 2, 3)
}

// TestCandidatesChangeNothing: a pool that is never started leaves the rules alone.
func TestCandidatesChangeNothing(t *testing.T) {
	addresses := letters(t, "ab")
	w := newWard(t, definition(passive(2, 0.5), addresses...))
	w.fail(0, 1)
	if _, err := upstream.NewPool("u", definition(nil, addresses...), w.Pool, upstream.Options{}); err != nil {
		t.Fatal(err)
	}
	w.fail(0, 1)
	w.are("ejected", "up")
}

func TestSlowStart(t *testing.T) {
	inBubble(t, "abc", func(t *testing.T, addresses []string) {
		edit := func(d *config.Upstream) { passive(1, 0.5)(d); d.SlowStart = config.Duration(100 * time.Second) }
		w := newWard(t, definition(edit, addresses[:2]...))
		w.are("up", "up") // at the start of the process
		w.fail(0, 1)
		wait(10 * time.Second)
		w.are("slow_start", "up")
		w.shareIs(0, 0.05)
		wait(50 * time.Second)
		w.shareIs(0, 0.5)
		w.reload(definition(edit, addresses...))
		w.are("slow_start", "up", "slow_start")
		w.shareIs(0, 0.5)
		w.shareIs(2, 0.05)
		w.fail(0, 1) // back to the bench
		w.are("ejected", "up", "slow_start")
		wait(20 * time.Second)
		w.are("slow_start", "up", "slow_start")
		w.shareIs(0, 0.05)
		w.shareIs(2, 0.2)
		wait(101 * time.Second)
		w.are("up", "up", "up")
		w.shareIs(0, 1)
		w.told("target ejected a", "target up a", "target ejected a", "target up a")
	})
}

// shareIs allows for the steps in which a share climbs.
func (w *ward) shareIs(target int, want float64) {
	w.t.Helper()
	if got := w.Targets[target].Node.Share(); got < want-0.02 || got > want+0.02 {
		w.t.Errorf("target %d has a share of %.3f, want %.2f", target, got, want)
	}
}
