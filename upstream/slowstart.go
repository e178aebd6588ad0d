package upstream

import "time"

// firstShare is what a target is given at the beginning of a slow start: little,
// but enough to warm up by.
const firstShare = 1.0 / 20

// ramp is one slow start under way.
type ramp struct {
	begun time.Time
	timer *time.Timer
}

// startRamp begins a slow start, anew if one is under way.
func (m *monitor) startRamp(r *record, now time.Time) {
	r.endRamp()
	a := &ramp{begun: now}
	r.ramp = a
	r.node.SetShare(firstShare)
	a.timer = time.AfterFunc(rampStep(m.pool.slowStart), func() { m.climb(r, a) })
}

// rampStep is the time between two steps: fifty on the way, but never so many a
// second that pickers would notice.
func rampStep(whole time.Duration) time.Duration {
	return min(max(whole/50, 20*time.Millisecond), time.Second)
}

// climb takes one step of a slow start.
func (m *monitor) climb(r *record, a *ramp) {
	m.mu.Lock()
	defer m.unlock()
	if r.ramp != a {
		return // over already
	}
	now, whole := time.Now(), m.pool.slowStart
	if gone := now.Sub(a.begun); gone < whole {
		r.node.SetShare(max(float64(gone)/float64(whole), firstShare))
		a.timer.Reset(rampStep(whole))
		return
	}
	r.endRamp()
	m.turned(r, "its slow start is over", now)
}

// endRamp gives the target all of its share.
func (r *record) endRamp() {
	if r.ramp == nil {
		return
	}
	r.ramp.timer.Stop()
	r.ramp = nil
	r.node.SetShare(1)
}
