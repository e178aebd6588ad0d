package upstream

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
)

// State is what a target's health amounts to.
type State uint8

// The states. Down goes before Ejected, that before SlowStart.
const (
	Up        State = iota // takes all of its share
	SlowStart              // came lately, and takes a growing part of its share
	Ejected                // requests to it failed
	Down                   // checks of it failed
	numStates
)

var stateNames = [numStates]string{"up", "slow_start", "ejected", "down"}

// String returns the state's name in metrics and /upstreams.
func (s State) String() string { return stateNames[s] }

// States returns all states.
func States() []State { return []State{Up, SlowStart, Ejected, Down} }

// Health is what is known of one target's health.
type Health struct {
	State State
	Since time.Time // when it entered the state; zero before the pool is started
	Why   string    // why it did; empty for a target that has been up all along
	// Trial says that it is back from an ejection and no request was answered yet.
	Trial bool
	// Entered counts how often it entered each state, the first one left out.
	Entered [numStates]uint64
}

// Event is a change of health that an operator should know of.
type Event struct {
	Upstream string
	Target   string // empty where the upstream as a whole is meant
	What     string // "target down", "target ejected", "target up" and the like
	Why      string
	Trouble  bool // it got worse
}

// record is the health of one target. It lives as long as the target's node: a
// reload takes it over.
type record struct {
	m    *monitor
	node *lb.Node

	// Read at the end of every trip, written seldom.
	counting atomic.Bool // failures matter
	alert    atomic.Bool // a success matters
	trying   atomic.Bool // read at every pick: requests are let go to it one by one

	// The rest is guarded by m.mu.
	kept    bool // belongs to the pool in force
	weighty bool // is given traffic at all
	out     bool // its node was made unusable
	shown   Health
	drain   drain
	active  activeRecord
	passive passiveRecord
	ramp    *ramp // nil but during a slow start
	// inherited is what another process knew of the target; nil once it counts.
	inherited *TargetState
}

// fit reports whether the target's own state lets it be used.
func (r *record) fit() bool { return !r.active.down && !r.passive.ejected }

func (r *record) state() State {
	switch {
	case r.active.down:
		return Down
	case r.passive.ejected:
		return Ejected
	case r.ramp != nil:
		return SlowStart
	}
	return Up
}

// monitor looks after the health of the targets of one upstream. It goes from
// pool to pool in reloads and works by the rules of the one in force.
type monitor struct {
	upstream string
	tell     func(Event)
	telling  sync.Mutex // held while events are told, so that they stay in order

	mu          sync.Mutex
	pool        *Pool // in force; nil before Start and after Stop
	records     []*record
	marked      [2]time.Time // see mark
	from        int          // as well
	failingOpen bool
	events      []Event // to be told once mu is free
}

// Start makes the pool the one in force: its rules of health hold from now on,
// its checks begin, and targets that it has not end. Call it once requests are
// picked from the pool. For a pool that is in force it does nothing.
func (p *Pool) Start() {
	m := p.monitor
	m.mu.Lock()
	defer m.unlock()
	if m.pool == p {
		return
	}
	now, running := time.Now(), m.pool != nil
	m.pool = p
	defer p.gate.rule(p.def.Concurrency)
	gone := m.records
	m.records = make([]*record, len(p.Targets))
	for i, t := range p.Targets {
		m.records[i] = t.health
		m.adopt(t, &p.def.Targets[i], running, now)
	}
	for _, r := range gone {
		if p.byNode[r.node] == nil {
			r.leave()
		}
	}
	m.settle()
}

// Stop ends all checks, for an upstream that is gone or a process that ends.
func (p *Pool) Stop() {
	m := p.monitor
	m.mu.Lock()
	defer m.unlock()
	m.pool = nil
	for _, r := range m.records {
		r.leave()
	}
	m.records, m.failingOpen = nil, false
}

// FailingOpen reports whether no target is fit to be used, so that all are.
func (p *Pool) FailingOpen() bool {
	p.monitor.mu.Lock()
	defer p.monitor.mu.Unlock()
	return p.monitor.failingOpen
}

// Health returns what is known of the target's health.
func (t *Target) Health() Health {
	t.health.m.mu.Lock()
	defer t.health.m.mu.Unlock()
	h := t.health.shown
	h.Trial = t.health.passive.trial != nil
	return h
}

// adopt puts a target under the rules of the pool in force. running says that the
// upstream was at work before.
func (m *monitor) adopt(t *Target, def *config.Target, running bool, now time.Time) {
	r, fresh := t.health, !t.health.kept
	r.kept, r.weighty = true, def.Weight > 0
	r.node.SetLimit(int64(m.pool.def.Concurrency.TargetMax))
	if r.inherited != nil {
		fresh = false
		m.resume(r, now)
	}
	if fresh {
		r.shown.Since = now
	}
	switch {
	case m.pool.slowStart == 0:
		r.endRamp()
	case fresh && running:
		m.startRamp(r, now)
	}
	r.watch(passiveRules(&m.pool.def))
	m.check(t, fresh)
	why := "the config no longer asks for it"
	if fresh {
		why = "new"
	}
	m.turned(r, why, now)
}

// leave ends all that is done for a target that is gone.
func (r *record) leave() {
	r.kept = false
	r.watch(nil)
	r.stopChecks()
	r.endRamp()
}

// turned brings what is shown of a target in line with what it has become. The
// monitor settles afterwards.
func (m *monitor) turned(r *record, why string, now time.Time) {
	before := r.shown.State
	if !r.fit() {
		r.endRamp()
	}
	if before >= Ejected && r.fit() && m.pool.slowStart > 0 {
		m.startRamp(r, now)
	}
	after := r.state()
	if after == before {
		return
	}
	r.shown.State, r.shown.Since, r.shown.Why = after, now, why
	r.shown.Entered[after]++
	e := Event{Upstream: m.upstream, Target: r.node.ID(), Why: why, Trouble: true}
	switch {
	case after == Down:
		e.What = "target down"
	case after == Ejected:
		e.What = "target ejected"
	case before >= Ejected:
		e.What, e.Trouble = "target up", false
	default:
		return
	}
	m.events = append(m.events, e)
}

// settle makes nodes usable as their records are fit, and on trial for as long as
// they have not all the requests they may. Where no other is left, all are made
// usable: a guess that each is dead is more often wrong than a request that is
// refused is right. Those that are drained are not, unless every one is.
func (m *monitor) settle() {
	members, fit := m.census()
	open, allDrained := members > 0 && fit == 0, m.allDrained()
	spare := slices.ContainsFunc(m.records, func(r *record) bool { return r.weighty && r.fit() && !r.drain.on && !r.held() })
	// Those that become usable come first, so that there is one at every moment.
	for _, out := range []bool{false, true} {
		for _, r := range m.records {
			if want := r.unwanted(open, spare, allDrained); want == out && r.out != out {
				r.out = out
				r.node.SetUsable(!out)
			}
		}
	}
	if m.pool != nil {
		m.pool.gate.wake() // a target may have become usable
	}
	if open == m.failingOpen {
		return
	}
	m.failingOpen = open
	e := Event{Upstream: m.upstream, What: "a target is usable again; requests go to none that is not"}
	if open {
		e.What, e.Trouble = "no target is usable; requests go to all of them", true
	}
	m.events = append(m.events, e)
}

// unwanted reports whether no request is to go to the target: an operator said so,
// it is not fit, or its trial has what it may while there is one to spare it.
func (r *record) unwanted(open, spare, allDrained bool) bool {
	return r.drain.on && !allDrained || !open && (!r.fit() || spare && r.held())
}

// census counts the targets that are given traffic, and those of them that are
// fit and not drained.
func (m *monitor) census() (members, fit int) {
	for _, r := range m.records {
		if r.weighty {
			members++
			if r.fit() && !r.drain.on {
				fit++
			}
		}
	}
	return members, fit
}

// note has an event told, unless the upstream is gone.
func (m *monitor) note(e Event) {
	m.mu.Lock()
	defer m.unlock()
	if m.pool != nil {
		m.events = append(m.events, e)
	}
}

// unlock releases mu and tells what happened under it.
func (m *monitor) unlock() {
	pending := len(m.events) > 0
	m.mu.Unlock()
	if !pending {
		return
	}
	m.telling.Lock()
	defer m.telling.Unlock()
	m.mu.Lock()
	events := m.events
	m.events = nil
	m.mu.Unlock()
	for _, e := range events {
		m.tell(e)
	}
}
