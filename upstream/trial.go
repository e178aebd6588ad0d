package upstream

// trial is the time of a target after an ejection until a request was answered. It
// is guarded by monitor.mu.
type trial struct{ probes int } // requests under way that are to find out

// held reports whether a target on trial has as many requests as it may.
func (r *record) held() bool {
	p := &r.passive
	return p.trial != nil && p.rules.Probes > 0 && p.trial.probes >= p.rules.Probes
}

// probe lets a request go to a target that may be on trial; t is nil if it is not.
// With ok false the request is to go elsewhere: there is somewhere else, for the
// target's node is not usable just now.
func (m *monitor) probe(r *record) (t *trial, ok bool) {
	m.mu.Lock()
	defer m.unlock()
	t = r.passive.trial
	switch {
	case t == nil || r.passive.rules.Probes == 0:
		return nil, true
	case r.held() && r.out:
		return nil, false
	}
	t.probes++
	m.settle()
	return t, true
}

// probed says that a request of a trial has ended, whatever came of it.
func (m *monitor) probed(t *trial) {
	m.mu.Lock()
	defer m.unlock()
	t.probes--
	m.settle()
}

// endTrial gives the target back all that it is to have.
func (m *monitor) endTrial(r *record) {
	r.passive.trial = nil
	m.settle()
}
