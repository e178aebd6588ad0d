package upstream_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/upstream"
)

// successor is the same upstream in a process that takes over.
func (w *ward) successor(def config.Upstream) *ward {
	w.t.Helper()
	data, err := json.Marshal(w.State())
	if err != nil {
		w.t.Fatal(err)
	}
	var state upstream.PoolState
	if err := json.Unmarshal(data, &state); err != nil {
		w.t.Fatal(err)
	}
	next := &ward{t: w.t}
	p, err := upstream.NewPool("u", def, nil, upstream.Options{Event: next.event})
	if err != nil {
		w.t.Fatal(err)
	}
	p.Inherit(state)
	p.Start()
	next.Pool = p
	w.t.Cleanup(func() {
		p.Stop()
		for _, target := range p.Targets {
			target.Retire()
		}
	})
	return next
}

func (w *ward) sameHealth(of *ward, target int) {
	w.t.Helper()
	a, b := of.Targets[target].Health(), w.Targets[target].Health()
	if b.State != a.State || !b.Since.Equal(a.Since) || b.Why != a.Why {
		w.t.Errorf("target %d is %v since %s (%s), was %v since %s (%s)",
			target, b.State, b.Since, b.Why, a.State, a.Since, a.Why)
	}
}

func TestSuccessorKeepsEjections(t *testing.T) {
	inBubble(t, "abcd", func(t *testing.T, addresses []string) {
		edit := func(d *config.Upstream) { passive(1, 0.5)(d); d.SlowStart = config.Duration(100 * time.Second) }
		old := newWard(t, definition(edit, addresses[:3]...))
		old.fail(0, 1)
		wait(7 * time.Second)
		// The order of targets does not matter, and b is new to it.
		w := old.successor(definition(edit, addresses[0], addresses[2], addresses[3]))
		w.are("ejected", "up", "up")
		w.picked(1, 2)
		w.sameHealth(old, 0)
		w.told()
		wait(3 * time.Second)
		w.are("slow_start", "up", "up")
		wait(50 * time.Second)
		next := w.successor(definition(edit, addresses...))
		next.are("slow_start", "up", "up", "up")
		next.sameHealth(w, 0)
		next.shareIs(0, 0.5)
		// One failure is enough still, and the ejection is longer.
		next.fail(0, 1)
		next.are("ejected", "up", "up", "up")
		wait(11 * time.Second)
		last := next.successor(definition(edit, addresses...))
		last.are("ejected", "up", "up", "up")
		wait(10 * time.Second)
		last.are("slow_start", "up", "up", "up")
		wait(101 * time.Second)
		last.are("up", "up", "up", "up")
		last.shareIs(0, 1)
	})
}

func TestSuccessorKeepsDrains(t *testing.T) {
	old := newWard(t, definition(nil, letters(t, "ab")...))
	old.drain(1, true)
	_, since := old.Targets[1].Drained()
	w := old.successor(*old.Definition())
	w.picked(0)
	if on, at := w.Targets[1].Drained(); !on || !at.Equal(since) {
		t.Errorf("drained %v since %s, want since %s", on, at, since)
	}
	w.drain(1, false)
	w.picked(0, 1)
}

// TestSuccessorSendsNothingToTheDown before its own checks tell that it is back.
func TestSuccessorSendsNothingToTheDown(t *testing.T) {
	a, b := demoOrigin(t), demoOrigin(t)
	def := definition(active(nil), a.Addr(), b.Addr())
	old := newWard(t, def)
	a.SetHealthy(false)
	old.becomes(0, upstream.Down)
	w := old.successor(def)
	w.are("down", "up")
	w.picked(1)
	w.sameHealth(old, 0)
	a.SetHealthy(true)
	w.becomes(0, upstream.Up)
	w.picked(0, 1)
	w.told("target up " + a.Addr())
}

// TestSuccessorWithOtherRules has no use for what it was told.
func TestSuccessorWithOtherRules(t *testing.T) {
	a, b := demoOrigin(t), demoOrigin(t)
	both := func(d *config.Upstream) {
		passive(1, 0.5)(d)
		rules := d.Health.Passive
		active(nil)(d)
		d.Health.Passive = rules
	}
	old := newWard(t, definition(both, a.Addr(), b.Addr()))
	old.Targets[1].Node.Start()
	old.Targets[1].Node.Done(upstream.Clock(time.Now()), int64(time.Hour), true)
	a.SetHealthy(false)
	old.becomes(0, upstream.Down)
	w := old.successor(definition(nil, a.Addr(), b.Addr()))
	w.are("up", "up")
	w.picked(0, 1)
	if w.Targets[1].Node.Latency(upstream.Clock(time.Now())) == 0 {
		t.Error("the latency is forgotten")
	}
}
