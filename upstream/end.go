package upstream

import (
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

var clockStart = time.Now()

// Clock is the time that balancing goes by, in ns: it never goes backwards.
func Clock(now time.Time) int64 { return int64(now.Sub(clockStart)) }

// Outcome is what the end of a trip tells balancing.
type Outcome struct {
	Now     time.Time
	Latency time.Duration   // to the response head; 0 if there was none
	Reason  exchange.Reason // OK if the target answered
	Failed  bool            // through the target's fault
	Again   bool            // the request keeps its place in the upstream, for another trip
}

// End ends the trip. The connection is kept only if reuse is set, meaning that
// the request was sent whole, and if the response was read to its end, the target
// keeps the connection too, and there is not a byte on it that nobody asked for.
func (t *Trip) End(reuse bool, o Outcome) {
	t.dropHead()
	clean := reuse && t.done && !t.failed && t.Response.KeepAlive && !t.interrupted.Load()
	if clean && t.in.len() > 0 {
		clean = false
		t.target.life.talks.Store(true)
	}
	t.in.reset()
	c := t.c
	t.c, c.held = nil, nil
	t.target.observer.Attempted(o.Reason, c.used)
	reused := c.used
	if t.headed && t.Response.IdleTimeout >= 0 {
		c.keeps = max(time.Duration(t.Response.IdleTimeout)*time.Second, 1)
	}
	t.target.release(c, clean, o.Now)
	unwell := t.headed && t.failing.has(t.Response.Status)
	t.target.Node.Done(Clock(o.Now), int64(o.Latency), !o.Failed && !unwell)
	switch {
	case unwell && (o.Reason == exchange.OK || o.Reason == exchange.UpstreamStatus):
		t.target.health.failed(t.begun, o.Now, exchange.UpstreamStatus)
	case o.Reason == exchange.OK:
		t.target.health.answered(t.begun)
	case o.Failed && !t.excuses(o.Reason, reused):
		t.target.health.failed(t.begun, o.Now, o.Reason)
	}
	if t.trial != nil {
		t.target.health.m.probed(t.trial)
		t.trial = nil
	}
	if t.gate != nil {
		t.leaveGate(&o)
	}
}

// leaveGate is what the end of a trip tells the gate.
func (t *Trip) leaveGate(o *Outcome) {
	switch o.Reason {
	case exchange.OK, exchange.UpstreamStatus:
		t.gate.measured(o.Now, o.Latency)
	case exchange.ResponseTimeout, exchange.RequestTimeout:
		t.gate.measured(o.Now, o.Now.Sub(t.begun))
	}
	if o.Again {
		t.gate.wake()
	} else {
		t.leave()
	}
}

// excuses reports whether a failure says nothing about the target's health: a
// pooled connection that was closed may have been idle too long, a response that
// has begun may be as long as it likes, and a status to retry for need not be one
// that counts as a failure.
func (t *Trip) excuses(reason exchange.Reason, reused bool) bool {
	return reused && reason == exchange.UpstreamClosed || t.headed && reason == exchange.RequestTimeout ||
		reason == exchange.UpstreamStatus
}
