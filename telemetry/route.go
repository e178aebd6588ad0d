package telemetry

import (
	"sync/atomic"

	"github.com/sluiceproxy/sluice/exchange"
)

// RouteMetrics are the counters of one route. A generation resolves them when it
// compiles; any number of goroutines may use them.
type RouteMetrics struct {
	cells    striped[routeCell]
	common   *common
	failures failures
	name     string
}

// routeCell is laid out so that most requests write to its first two cache lines
// only, which they may have to fetch from memory.
type routeCell struct {
	classes  [len(classNames)]atomic.Uint64
	out      atomic.Uint64
	duration histogram // its sum is in the first line, short durations are in the second
	in       atomic.Uint64
	_        [24]byte // whole lines
}

var classNames = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// classOf returns the index in classNames of a status.
func classOf(status int) int {
	if status < 100 || status > 599 {
		return 0
	}
	return status / 100
}

// Observe counts an exchange that has ended. A tunnel's duration says nothing of
// latency and is not counted. It does not allocate, but for the first uses of a
// route.
func (r *RouteMetrics) Observe(f *exchange.Facts) {
	if metered {
		r.observe(stripeIndex(), f)
	}
}

// ObserveWith is Observe, and that of the upstream it was to go to, in one.
func (r *RouteMetrics) ObserveWith(u *UpstreamMetrics, f *exchange.Facts) {
	if metered {
		stripe := stripeIndex()
		u.observe(stripe, f)
		r.observe(stripe, f)
	}
}

func (r *RouteMetrics) observe(stripe int, f *exchange.Facts) {
	class := classOf(f.Status)
	c := r.cells.at(stripe & r.cells.mask).Load()
	if c == nil {
		c = r.first(stripe)
	}
	c.classes[class].Add(1)
	if f.BytesIn > 0 {
		c.in.Add(uint64(f.BytesIn))
	}
	if f.BytesOut > 0 {
		c.out.Add(uint64(f.BytesOut))
	}
	if !f.Upgraded {
		c.duration.observe(f.Duration, &r.common.native)
	}
	if f.Reason != exchange.OK {
		r.failures.add(f.Reason)
		r.common.failures.add(f.Reason)
	}
	r.common.count(stripe, class, f)
}

// first makes the counters of a stripe.
func (r *RouteMetrics) first(stripe int) *routeCell {
	c := r.cells.of(stripe)
	r.common.firsts.Add(1)
	return c
}

// used reports whether the route was ever asked for.
func (r *RouteMetrics) used() bool { return r.cells.each(func(*routeCell) {}) }

// collect sends the route's series; none before its first request, so that a
// scrape grows with the routes in use and not with the table.
func (r *RouteMetrics) collect(s *reading) {
	var classes [len(classNames)]uint64
	var in, out uint64
	var duration tally
	used := r.cells.each(func(c *routeCell) {
		for i := range c.classes {
			classes[i] += c.classes[i].Load()
		}
		in += c.in.Load()
		out += c.out.Load()
		duration.add(&c.duration)
	})
	if !used {
		return
	}
	for i, n := range classes {
		s.ch <- Requests.metric(float64(n), r.name, classNames[i])
	}
	s.ch <- RequestBytes.metric(float64(in), r.name)
	s.ch <- ResponseBytes.metric(float64(out), r.name)
	s.ch <- duration.metric(s, RequestSeconds, r.name)
	r.failures.each(func(reason string, n float64) {
		s.ch <- Failures.metric(n, r.name, reason)
	})
}

// newRoute returns the counters of a route, at zero.
func (m *Metrics) newRoute(name string) *RouteMetrics {
	return &RouteMetrics{name: name, common: &m.common, cells: newStriped[routeCell]()}
}
