package telemetry

import (
	"sync/atomic"

	"github.com/sluiceproxy/sluice/exchange"
)

// TargetMetrics are the counters of one target of one upstream. A generation
// resolves them when it compiles; any number of goroutines may use them. No
// method allocates, but for the first uses of a target.
type TargetMetrics struct {
	upstream, target string
	cells            striped[targetCell]
	failures         failures
}

type targetCell struct {
	ok                        [2]atomic.Uint64 // over new connections, and over pooled ones
	reused                    atomic.Uint64    // failed ones over pooled connections
	connected, refused, stale atomic.Uint64
	_                         [2]uint64 // a cache line of its own
}

// Attempted counts an attempt that has ended: exchange.OK where the target
// answered, whatever it said; reused where it took a connection out of the pool.
func (t *TargetMetrics) Attempted(r exchange.Reason, reused bool) {
	if !metered {
		return
	}
	c, over := t.cells.own(), 0
	if reused {
		over = 1
	}
	if r == exchange.OK {
		c.ok[over].Add(1)
		return
	}
	c.reused.Add(uint64(over))
	t.failures.add(r)
}

// Connected counts a connection dialled.
func (t *TargetMetrics) Connected(ok bool) {
	if ok {
		t.cells.own().connected.Add(1)
		return
	}
	t.cells.own().refused.Add(1)
}

// Stale counts a pooled connection that the target had closed.
func (t *TargetMetrics) Stale() { t.cells.own().stale.Add(1) }

func (t *TargetMetrics) collect(s *reading) {
	var ok, connected, refused, reused, stale uint64
	t.cells.each(func(c *targetCell) {
		ok += c.ok[0].Load() + c.ok[1].Load()
		connected += c.connected.Load()
		refused += c.refused.Load()
		reused += c.ok[1].Load() + c.reused.Load()
		stale += c.stale.Load()
	})
	s.ch <- TargetRequests.metric(float64(ok), t.upstream, t.target, "ok")
	s.ch <- TargetConnects.metric(float64(connected), t.upstream, t.target, "ok")
	s.ch <- TargetConnects.metric(float64(refused), t.upstream, t.target, "failed")
	s.ch <- TargetReuses.metric(float64(reused), t.upstream, t.target)
	s.ch <- TargetStale.metric(float64(stale), t.upstream, t.target)
	t.failures.each(func(reason string, n float64) {
		s.ch <- TargetRequests.metric(n, t.upstream, t.target, reason)
	})
}
