package upstream

import "time"

// drain is an operator's wish that a target be given no new requests. It stands
// beside what is found of the target's health, and like that it stays with the
// address over reloads. It is guarded by monitor.mu.
type drain struct {
	on    bool
	since time.Time
}

// Drain says whether the target is to be given no new requests, whatever its
// health; those under way go on. It reports whether that changed anything, and
// may be called from any goroutine. A target that is not drained any more comes
// back by a slow start, where the pool has one.
func (t *Target) Drain(on bool) (changed bool) {
	r := t.health
	m := r.m
	m.mu.Lock()
	defer m.unlock()
	if r.drain.on == on {
		return false
	}
	now := time.Now()
	r.drain = drain{on: on, since: now}
	e := Event{Upstream: m.upstream, Target: r.node.ID(), What: "target drained", Why: "an operator asked for it"}
	if !on {
		e.What = "target no longer drained"
	}
	m.events = append(m.events, e)
	if m.pool == nil || !r.kept {
		return true // no pool in force has it
	}
	if !on && r.fit() && m.pool.slowStart > 0 {
		m.startRamp(r, now)
		m.turned(r, "it is no longer drained", now)
	}
	m.settle()
	return true
}

// Drained reports whether the target is drained, and since when.
func (t *Target) Drained() (on bool, since time.Time) {
	t.health.m.mu.Lock()
	defer t.health.m.mu.Unlock()
	if d := t.health.drain; d.on {
		return true, d.since
	}
	return false, time.Time{}
}

// allDrained reports whether there is a target to be given traffic, and each is
// drained.
func (m *monitor) allDrained() bool {
	members := 0
	for _, r := range m.records {
		if r.weighty {
			members++
			if !r.drain.on {
				return false
			}
		}
	}
	return members > 0
}
