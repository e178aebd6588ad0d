package telemetry

import (
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

// Totals is how many requests of a route have ended, and how many of them failed:
// answered 5xx, or their response not brought to its end by the target. What a
// client did wrong is no failure.
type Totals struct{ Requests, Failed uint64 }

// Share is the share of failed requests, 0 where there was none.
func (t Totals) Share() float64 {
	if t.Requests == 0 {
		return 0
	}
	return float64(t.Failed) / float64(t.Requests)
}

// RouteTotals returns the totals of every route that a scope uses and that was asked
// for, by name. They begin at zero again with a route that was gone for a while. Of
// very many routes it takes a while, in which requests come first.
func (m *Metrics) RouteTotals() map[string]Totals {
	all := map[string]Totals{}
	m.eachUsed(func(r *RouteMetrics) { all[r.name] = r.totals() })
	return all
}

// eachUsed calls f, while it holds the lock, with every route that was asked for.
func (m *Metrics) eachUsed(f func(*RouteMetrics)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := 0
	for _, r := range m.routes {
		if seen++; seen%1024 == 0 {
			// Requests come first. To yield would not do: on one processor, that lets
			// in goroutines, and nobody looks for what has arrived.
			m.mu.Unlock()
			time.Sleep(time.Millisecond)
			m.mu.Lock()
		}
		if r.counters.used() {
			f(r.counters)
		}
	}
}

func (r *RouteMetrics) totals() Totals {
	var t Totals
	r.cells.each(func(c *routeCell) {
		// Failures are read first, so that there are never more than requests.
		t.Failed += c.classes[5].Load()
		for i := range c.classes {
			t.Requests += c.classes[i].Load()
		}
	})
	// These were answered with the target's status, and cut off after it.
	t.Failed = min(t.Failed+r.failures.of(exchange.ResponseTruncated)+r.failures.of(exchange.UpstreamIdle), t.Requests)
	return t
}
