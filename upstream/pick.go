package upstream

import (
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/lb"
)

// Wish is what a request asks of a pool.
type Wish struct {
	Key   uint64 // matters to consistent_hash only
	Now   time.Time
	End   time.Time // when the whole request is to be done; zero without a limit
	Tried *lb.Tried // targets it has been to
	// Client is asked, now and then while the request waits for room, whether there
	// is still somebody to answer; nil does not ask.
	Client Client
	// NoWait says that the request rather goes nowhere than wait.
	NoWait bool
}

// Pick chooses a target for a request and charges it with it. Where the upstream
// has a limit, the request is given a place first, for which it may have to wait;
// it keeps it over further picks. The trip must be opened to the target, or let go
// of by [Trip.Drop]. Without a target, reason tells why. A request that is refused
// allocates nothing.
func (t *Trip) Pick(pool *Pool, w Wish) (target *Target, reason exchange.Reason) {
	t.waited = false
	if pool.gate.limited.Load() {
		target, reason = t.pickWithin(pool, &w)
		if !w.NoWait && (reason == exchange.ConcurrencyFull || reason == exchange.ConcurrencyTimeout) {
			pool.gate.refused()
		}
		return target, reason
	}
	if target = t.find(pool, &w); target == nil {
		return nil, exchange.NoTarget
	}
	return target, exchange.OK
}

// pickWithin picks within the limits of the upstream and its targets.
func (t *Trip) pickWithin(pool *Pool, w *Wish) (*Target, exchange.Reason) {
	g, held := pool.gate, t.gate != nil
	for first := true; ; first = false {
		if t.gate == nil && !(first && g.enter()) {
			if w.NoWait {
				return nil, exchange.ConcurrencyFull
			}
			if reason := t.wait(pool, w, t.waited); reason != exchange.OK {
				return nil, reason
			}
			t.waited = true
		}
		t.gate = g
		if target := t.find(pool, w); target != nil {
			if t.waited {
				g.wake() // there may be room for one more
			}
			return target, exchange.OK
		}
		if w.NoWait || !pool.hasTarget(w, true) {
			if !held {
				t.leave()
			}
			return nil, exchange.NoTarget
		}
		t.leave()
	}
}

// wait waits for a place. A client that left meanwhile gives it up.
func (t *Trip) wait(pool *Pool, w *Wish, again bool) exchange.Reason {
	if t.waiter == nil {
		t.waiter = newWaiter()
	}
	q, g := t.waiter, pool.gate
	q.pool, q.wish = pool, *w
	reason := g.wait(q, again)
	q.pool, q.wish = nil, Wish{}
	if reason == exchange.OK && w.Client != nil && w.Client.Gone() {
		g.leave()
		return exchange.ClientClosed
	}
	return reason
}

// Waited reports whether the request had to wait for its place at the last pick.
func (t *Trip) Waited() bool { return t.waited }

// leave gives up the request's place in the upstream.
func (t *Trip) leave() {
	if g := t.gate; g != nil {
		t.gate = nil
		g.leave()
	}
}

// find picks a target and charges it; nil if there is none.
func (t *Trip) find(pool *Pool, w *Wish) *Target {
	for {
		target := pool.Pick(w.Key, Clock(w.Now), w.Tried)
		if target == nil || t.take(pool, target) {
			return target
		}
	}
}

// place is a target that was charged with a request.
type place struct {
	target   *Target
	trial    *trial // the request is to find out how the target does; nil for most
	inFlight int64  // at the target, this one included
}

// take charges a target, if it takes the request.
func (t *Trip) take(pool *Pool, target *Target) bool {
	p := place{target: target}
	if target.health.trying.Load() {
		var ok bool
		if p.trial, ok = target.health.m.probe(target.health); !ok {
			return false
		}
	}
	p.inFlight = target.Node.Start()
	if limit := target.Node.Limit(); limit > 0 && p.inFlight > limit {
		target.Node.Cancel()
		p.leaveTrial()
		pool.gate.wake() // for somebody may have found it full meanwhile
		return false
	}
	t.picked = p
	return true
}

// charged returns the place at a target: the one that was picked, or a new one.
func (t *Trip) charged(target *Target) place {
	if t.picked.target != target {
		return place{target: target, inFlight: target.Node.Start()}
	}
	p := t.picked
	t.picked = place{}
	return p
}

// Drop lets go of a target that was picked, if there is one: the trip is not made.
// Unless the trip is open, the request gives up its place in the upstream, too.
func (t *Trip) Drop() {
	if p := t.picked; p.target != nil {
		t.picked = place{}
		p.target.Node.Cancel()
		p.leaveTrial()
	}
	if !t.IsOpen() {
		t.leave()
	} else if t.gate != nil {
		t.gate.wake()
	}
}

func (p *place) leaveTrial() {
	if p.trial != nil {
		p.target.health.m.probed(p.trial)
		p.trial = nil
	}
}
