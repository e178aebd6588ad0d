package upstream

import (
	"time"

	"github.com/sluiceproxy/sluice/lb"
)

// Wish is what a request asks of a pool.
type Wish struct {
	Key   uint64 // matters to consistent_hash only
	Now   time.Time
	Tried *lb.Tried // targets it has been to
}

// Pick chooses a target for a request and charges it with it; nil if there is
// none. The trip must be opened to the target, or let go of by Drop.
func (t *Trip) Pick(pool *Pool, w Wish) *Target {
	for {
		target := pool.Pick(w.Key, Clock(w.Now), w.Tried)
		if target == nil || t.take(target) {
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
func (t *Trip) take(target *Target) bool {
	p := place{target: target}
	if target.health.trying.Load() {
		var ok bool
		if p.trial, ok = target.health.m.probe(target.health); !ok {
			return false
		}
	}
	p.inFlight = target.Node.Start()
	t.picked = p
	return true
}

// charged returns the place at a target: the one that was picked, or a new one.
func (t *Trip) charged(target *Target) place {
	if t.picked.target != target {
		t.Drop()
		return place{target: target, inFlight: target.Node.Start()}
	}
	p := t.picked
	t.picked = place{}
	return p
}

// Drop lets go of a target that was picked, if there is one: the trip is not made.
func (t *Trip) Drop() {
	if p := t.picked; p.target != nil {
		t.picked = place{}
		p.target.Node.Cancel()
		p.leaveTrial()
	}
}

func (p *place) leaveTrial() {
	if p.trial != nil {
		p.target.health.m.probed(p.trial)
		p.trial = nil
	}
}
