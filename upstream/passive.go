package upstream

import (
	"fmt"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// longestEjection is how many times health.passive.eject a target that is ejected
// again and again stays out at most. One that has not been for as long starts over.
const longestEjection = 10

// passiveRecord is what traffic tells of one target. It is guarded by monitor.mu.
type passiveRecord struct {
	rules *config.PassiveHealth // nil: nothing is counted

	// The run of failures under way, without a success in between.
	run      int
	runBegan time.Time
	times    []time.Time // of the last ones, as many as eject; a ring

	ejected   bool
	since     time.Time // of the last ejection
	until     time.Time // its end
	timer     *time.Timer
	ejections int // without a long time in between

	trial *trial    // back from an ejection, with no success yet; else nil
	back  time.Time // end of the last ejection

	failures uint64   // that counted, since ever
	marks    [2]tally // see monitor.mark
}

func passiveRules(def *config.Upstream) *config.PassiveHealth {
	if def.Health == nil {
		return nil
	}
	return def.Health.Passive
}

// statusRules say which statuses count as failures; nil stands for none.
type statusRules [600]bool

func newStatusRules(text string) (*statusRules, error) {
	ranges, err := config.ParseStatuses(text)
	if err != nil {
		return nil, err
	}
	s := new(statusRules)
	for _, r := range ranges {
		for status := r.First; status <= r.Last; status++ {
			s[status] = true
		}
	}
	return s, nil
}

func (s *statusRules) has(status int) bool {
	return s != nil && status < len(s) && s[status]
}

// watch sets the rules for counting failures; nil ends it, and an ejection too.
func (r *record) watch(rules *config.PassiveHealth) {
	p := &r.passive
	if rules == nil {
		if p.timer != nil {
			p.timer.Stop()
		}
		*p = passiveRecord{}
	} else if p.rules == nil || p.rules.Failures != rules.Failures {
		p.run, p.times = 0, make([]time.Time, rules.Failures)
	}
	p.rules = rules
	r.counting.Store(rules != nil)
	r.heed()
}

// heed sets whether a success matters.
func (r *record) heed() {
	p := &r.passive
	r.alert.Store(p.run > 0 || p.ejected || p.trial != nil)
	r.trying.Store(p.trial != nil && p.rules.Probes > 0)
}

// blames reports whether a failure for this reason tells that the target is not
// well. A pause within a response may be the nature of the request.
func blames(reason exchange.Reason) bool {
	switch reason {
	case exchange.ConnectFailed, exchange.ConnectTimeout, exchange.ResponseTimeout, exchange.RequestTimeout,
		exchange.UpstreamClosed, exchange.UpstreamMalformed, exchange.ResponseTruncated, exchange.UpstreamStatus:
		return true
	}
	return false
}

// answered notes that an attempt begun at the time given was answered. While all
// is well it costs one atomic load; it does not allocate.
func (r *record) answered(begun time.Time) {
	if r.alert.Load() {
		r.m.answered(r, begun)
	}
}

// failed notes that an attempt failed.
func (r *record) failed(begun, now time.Time, reason exchange.Reason) {
	if r.counting.Load() && blames(reason) {
		r.m.failed(r, begun, now, reason)
	}
}

// answered ends a run of failures that began before the attempt did, as it does a
// trial, and an ejection, in which a target is only asked when none is usable.
// Attempts begun earlier tell how things were.
func (m *monitor) answered(r *record, begun time.Time) {
	m.mu.Lock()
	defer m.unlock()
	p := &r.passive
	switch {
	case p.rules == nil:
		return
	case p.ejected && begun.After(p.since):
		m.readmit(r, "it answered while no target was usable", time.Now())
		m.endTrial(r)
	case !p.ejected && p.run > 0 && !begun.Before(p.runBegan):
		p.run = 0
	}
	if p.trial != nil && !begun.Before(p.back) {
		m.endTrial(r)
	}
	r.heed()
}

// failed counts a failure and ejects the target if that was the last straw.
func (m *monitor) failed(r *record, begun, now time.Time, reason exchange.Reason) {
	m.mu.Lock()
	defer m.unlock()
	p := &r.passive
	if p.rules == nil || p.ejected || begun.Before(p.back) {
		return
	}
	if p.run == 0 {
		p.runBegan = now
	}
	first := &p.times[p.run%len(p.times)] // of the last so many, this one included
	p.run++
	*first = now
	p.failures++
	m.mark(p.rules.Window.D(), now)
	if m.mayEject(r) {
		if what := m.verdict(r, now); what != "" {
			m.eject(r, what+": "+reason.String(), now)
		}
	}
	r.heed()
}

// verdict tells why the failure just counted is to eject the target; empty if it
// is not.
func (m *monitor) verdict(r *record, now time.Time) string {
	p := &r.passive
	oldest := p.times[p.run%len(p.times)]
	switch {
	case p.trial != nil:
		return "it failed again after its ejection"
	case p.run < len(p.times) || now.Sub(oldest) > p.rules.Window.D():
		return m.compare(r)
	case p.run == 1:
		return "a failure"
	}
	return fmt.Sprintf("%d failures in a row, the last", p.run)
}

// mayEject reports whether max_ejected leaves room for one more. Of two targets
// and more one may always be ejected while all others are fit.
func (m *monitor) mayEject(r *record) bool {
	members, fit := m.census()
	// The hair makes up for shares that binary fractions only come near to.
	limit := int(r.passive.rules.MaxEjected*float64(members) + 1e-9)
	if members > 1 {
		limit = max(limit, 1)
	}
	return r.weighty && r.fit() && members > 1 && members-fit < limit
}

// eject takes a target out for a time that grows from one ejection to the next.
func (m *monitor) eject(r *record, what string, now time.Time) {
	p := &r.passive
	unit := p.rules.Eject.D()
	if now.Sub(p.back) > longestEjection*unit {
		p.ejections = 0
	}
	span := unit * time.Duration(min(1<<min(p.ejections, 4), longestEjection))
	p.ejected, p.trial, p.run, p.since = true, nil, 0, now
	p.ejections++
	m.readmitAt(r, now.Add(span))
	m.turned(r, what+"; out for "+config.Duration(span).String(), now)
	m.settle()
}

// readmitAt has an ejection end at the time given.
func (m *monitor) readmitAt(r *record, at time.Time) {
	p := &r.passive
	since := p.since
	p.until = at
	p.timer = time.AfterFunc(time.Until(at), func() {
		m.mu.Lock()
		defer m.unlock()
		if p.ejected && p.since.Equal(since) {
			m.readmit(r, "its ejection is over", time.Now())
			r.heed()
		}
	})
}

// readmit ends an ejection. Until a request has been answered, one failure ejects
// the target again.
func (m *monitor) readmit(r *record, why string, now time.Time) {
	p := &r.passive
	p.timer.Stop()
	p.ejected, p.trial, p.back = false, &trial{}, now
	p.marks = [2]tally{r.tally(), r.tally()}
	m.turned(r, why, now)
	m.settle()
}
