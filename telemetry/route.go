package telemetry

import (
	"sync/atomic"

	"github.com/sluiceproxy/sluice/exchange"
)

// RouteMetrics are the counters of one route. A generation resolves them when it
// compiles; any number of goroutines may use them.
type RouteMetrics struct {
	name     string
	native   *atomic.Bool // see [Metrics.WriteProtobuf]
	cells    striped[routeCell]
	failures failures
}

type routeCell struct {
	classes  [len(classNames)]atomic.Uint64
	in, out  atomic.Uint64
	duration histogram
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
	c := r.cells.own()
	c.classes[classOf(f.Status)].Add(1)
	if f.BytesIn > 0 {
		c.in.Add(uint64(f.BytesIn))
	}
	if f.BytesOut > 0 {
		c.out.Add(uint64(f.BytesOut))
	}
	if !f.Upgraded {
		c.duration.observe(f.Duration, r.native)
	}
	if f.Reason != exchange.OK {
		r.failures.add(f.Reason)
	}
}

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
