package telemetry

import "github.com/sluiceproxy/sluice/exchange"

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

// RouteTotals returns the totals of every route that a scope uses, by name. They
// begin at zero again with a route that was gone for a while.
func (m *Metrics) RouteTotals() map[string]Totals {
	m.mu.Lock()
	routes := make([]*RouteMetrics, 0, len(m.routes))
	for _, r := range m.routes {
		routes = append(routes, r.counters)
	}
	m.mu.Unlock()
	all := make(map[string]Totals, len(routes))
	for _, r := range routes {
		all[r.name] = r.totals()
	}
	return all
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
