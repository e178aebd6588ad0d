package upstream

import (
	"time"

	"github.com/sluiceproxy/sluice/lb"
)

// PoolState is what has been learned of a pool's targets, by address, in a form
// that another process on this machine can take over.
type PoolState map[string]TargetState

// TargetState is what has been learned of one target.
type TargetState struct {
	Node lb.NodeState `json:"node"`
	// Since and Why tell how it came to the state it is in.
	Since time.Time `json:"since,omitzero"`
	Why   string    `json:"why,omitempty"`

	Drained   time.Time `json:"drained,omitzero"` // since when; zero if it is not
	Down      bool      `json:"down,omitempty"`
	Ejected   time.Time `json:"ejected,omitzero"` // since when; zero if it is not
	Until     time.Time `json:"until,omitzero"`   // the end of its ejection
	Ejections int       `json:"ejections,omitempty"`
	Trial     bool      `json:"trial,omitempty"`     // back from an ejection, with no success yet
	Back      time.Time `json:"back,omitzero"`       // end of the last ejection
	SlowSince time.Time `json:"slow_since,omitzero"` // the begin of its slow start; zero without one
}

// State returns what has been learned of the targets so far.
func (p *Pool) State() PoolState {
	m := p.monitor
	m.mu.Lock()
	defer m.mu.Unlock()
	now, all := Clock(time.Now()), PoolState{}
	for _, t := range p.Targets {
		r := t.health
		s := TargetState{
			Node: t.Node.State(now), Since: r.shown.Since, Why: r.shown.Why,
			Down: r.active.down, Ejections: r.passive.ejections, Trial: r.passive.trial != nil, Back: r.passive.back,
		}
		if r.drain.on {
			s.Drained = r.drain.since
		}
		if r.passive.ejected {
			s.Ejected, s.Until = r.passive.since, r.passive.until
		}
		if r.ramp != nil {
			s.SlowSince = r.ramp.begun
		}
		all[t.Address] = s
	}
	return all
}

// Inherit makes what another process has learned known here, from [Pool.Start] on,
// which must not have been called yet. What is known of other targets is ignored,
// as is what the definition has no rules for.
func (p *Pool) Inherit(state PoolState) {
	p.monitor.mu.Lock()
	defer p.monitor.mu.Unlock()
	for _, t := range p.Targets {
		if s, ok := state[t.Address]; ok {
			t.health.inherited = &s
		}
	}
}

// resume puts a target into the state that it had in another process.
func (m *monitor) resume(r *record, now time.Time) {
	s := r.inherited
	r.inherited = nil
	r.node.Restore(s.Node, Clock(now))
	r.shown.Since, r.shown.Why = s.Since, s.Why
	if !s.Drained.IsZero() {
		r.drain = drain{on: true, since: s.Drained}
	}
	// What the rules in force have no use for is dropped as after a reload.
	r.active.down = s.Down
	p := &r.passive
	p.ejections, p.back = s.Ejections, s.Back
	if s.Trial {
		p.trial = &trial{}
	}
	if p.ejected = !s.Ejected.IsZero(); p.ejected {
		p.since = s.Ejected
		m.readmitAt(r, s.Until)
	}
	if !s.SlowSince.IsZero() && m.pool.slowStart > 0 && r.fit() {
		m.startRamp(r, s.SlowSince)
		gone := now.Sub(s.SlowSince)
		r.node.SetShare(max(float64(gone)/float64(m.pool.slowStart), firstShare))
	}
	r.shown.State = r.state()
}
