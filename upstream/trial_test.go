package upstream_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/upstream"
)

func probes(n int, edits ...func(*config.Upstream)) func(*config.Upstream) {
	return func(d *config.Upstream) {
		passive(1, 1)(d)
		d.Health.Passive.Probes = n
		for _, edit := range edits {
			edit(d)
		}
	}
}

// take picks for n requests at once and returns how many each target has got.
func (w *ward) take(n int) (trips []*upstream.Trip, got []int) {
	got = make([]int, len(w.Targets))
	for range n {
		trip := &upstream.Trip{}
		if target, _ := trip.Pick(w.Pool, upstream.Wish{Now: time.Now()}); target != nil {
			got[slices.Index(w.Targets, target)]++
		}
		trips = append(trips, trip)
	}
	return trips, got
}

func (w *ward) taken(n int, want ...int) []*upstream.Trip {
	w.t.Helper()
	trips, got := w.take(n)
	if !slices.Equal(got, want) {
		w.t.Errorf("%d requests go to %v, want %v", n, got, want)
	}
	return trips
}

func drop(trips []*upstream.Trip) {
	for _, trip := range trips {
		trip.Drop()
	}
}

// TestTrial lets as many requests go to a target back from its ejection as the
// config says, for every policy.
func TestTrial(t *testing.T) {
	for _, policy := range lb.Policies() {
		for _, n := range []int{1, 3} {
			inBubble(t, "ab", func(t *testing.T, addresses []string) {
				w := newWard(t, definition(probes(n, func(d *config.Upstream) { d.Balance = policy }), addresses...))
				w.fail(0, 1)
				drop(w.taken(50, 0, 50))
				wait(10 * time.Second)
				if !w.Targets[0].Health().Trial {
					t.Fatal("not on trial")
				}
				var trips []*upstream.Trip
				for key := range uint64(500) {
					trip := &upstream.Trip{}
					trip.Pick(w.Pool, upstream.Wish{Key: lb.Key([]byte{byte(key), byte(key >> 8)}), Now: time.Now()})
					trips = append(trips, trip)
				}
				if got := w.Targets[0].Node.InFlight(); got != int64(n) {
					t.Errorf("%s: %d requests on trial, want %d", policy, got, n)
				}
				drop(trips)
				if got := w.Targets[0].Node.InFlight() + w.Targets[1].Node.InFlight(); got != 0 {
					t.Errorf("%s: %d in flight in the end", policy, got)
				}
				if !w.Targets[0].Node.Usable() {
					t.Errorf("%s: no further request is let go to it", policy)
				}
			})
		}
	}
}

// TestTrialEnds by an answer, or by another ejection.
func TestTrialEnds(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(probes(1), addresses...))
		w.fail(0, 1)
		wait(10 * time.Second)
		trips := w.taken(5, 1, 4)
		w.answer(0)
		drop(w.taken(10, 5, 5))
		if w.Targets[0].Health().Trial {
			t.Error("still on trial")
		}
		drop(trips)
		w.fail(0, 1)
		wait(20 * time.Second)
		trips = w.taken(2, 1, 1)
		w.fail(0, 1)
		drop(w.taken(10, 0, 10))
		wait(40 * time.Second) // ejected for the third time; the old probe is still out
		drop(append(w.taken(10, 1, 9), trips...))
		w.told("target ejected a", "target up a", "target ejected a", "target up a", "target ejected a", "target up a")
	})
}

// TestTrialOfTheLast: where nothing else is left, the target gets all there is.
func TestTrialOfTheLast(t *testing.T) {
	inBubble(t, "abc", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(probes(1, func(d *config.Upstream) { d.Targets[2].Backup = true }), addresses...))
		w.fail(0, 1)
		wait(5 * time.Second)
		w.fail(1, 1)
		wait(time.Second)
		w.fail(2, 1)
		wait(4 * time.Second)
		w.are("up", "ejected", "ejected")
		drop(w.taken(10, 10, 0, 0))
		wait(6 * time.Second) // now all three are on trial
		trips := w.taken(2, 1, 1, 0)
		trips = append(trips, w.taken(1, 0, 0, 1)...)
		drop(append(trips, w.taken(10, 5, 5, 0)...))
		w.told("target ejected a", "target ejected b", "target ejected c",
			"no target is usable; requests go to all of them", "target up a",
			"a target is usable again; requests go to none that is not", "target up b", "target up c")
	})
}

// TestTrialIsStrict has many goroutines pick at once.
func TestTrialIsStrict(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(probes(2), addresses...))
		w.fail(0, 1)
		wait(10 * time.Second)
		done := make(chan *upstream.Trip)
		for range 64 {
			go func() {
				trip := &upstream.Trip{}
				trip.Pick(w.Pool, upstream.Wish{Now: time.Now()})
				done <- trip
			}()
		}
		var trips []*upstream.Trip
		for range 64 {
			trips = append(trips, <-done)
		}
		if got := w.Targets[0].Node.InFlight(); got != 2 {
			t.Errorf("%d requests on trial, want 2", got)
		}
		drop(trips)
	})
}

// TestProbeOverConnections: the head of an answer ends the trial, however long the
// body takes.
func TestProbeOverConnections(t *testing.T) {
	w := newWard(t, definition(func(d *config.Upstream) {
		probes(1)(d)
		d.Health.Passive.Eject = config.Duration(time.Millisecond)
	}, tcpOrigin(t, answering(hello)), letters(t, "b")[0]))
	target := w.Targets[0]
	fault(t, w, target)
	within(t, "the ejection ends", func() bool { return target.Health().State == upstream.Up })
	var trip upstream.Trip
	for target != pickFor(&trip, w) {
		trip.Drop()
	}
	b := &bed{t: t, Pool: w.Pool}
	if err := b.open(&trip); err != nil {
		t.Fatal(err)
	}
	w.picked(1)
	if err := b.ask(&trip, get); err != nil {
		t.Fatal(err)
	}
	w.picked(0, 1)
	end(&trip, false)
	if target.Health().Trial || target.Node.InFlight() != 0 {
		t.Errorf("in the end: %+v, %d in flight", target.Health(), target.Node.InFlight())
	}
}

func pickFor(trip *upstream.Trip, w *ward) *upstream.Target {
	target, _ := trip.Pick(w.Pool, upstream.Wish{Now: time.Now()})
	return target
}
