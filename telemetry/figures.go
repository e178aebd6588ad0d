package telemetry

import (
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

// Figures are counters as they are at one moment, for those who show them without
// Prometheus. Counters only grow, but a name that a reload takes away is gone.
type Figures struct {
	// All are those of all routes and of requests that no route took, since the
	// start: also of routes that are gone.
	All RouteFigures
	// Routes are those that were asked for and are looked after; "" stands for
	// requests that no route took. They are in no order, like the others.
	Routes []RouteFigures
	// RoutesLeftOut says that there were too many to look after.
	RoutesLeftOut bool

	Upstreams []UpstreamFigures
	Targets   []TargetFigures
}

// RouteFigures are the counters of one route.
type RouteFigures struct {
	Name     string
	Requests uint64
	// ClientErrors were answered 4xx. Errors were answered 5xx, or a target cut
	// its response short.
	ClientErrors, Errors uint64
	Durations            Durations
	// Failures counts by reason.
	Failures map[string]uint64
}

// UpstreamFigures are the counters of one upstream.
type UpstreamFigures struct {
	Name              string
	Requests, Retries uint64
	Headers           Durations // to the end of the response head
}

// TargetFigures are the counters of one target.
type TargetFigures struct {
	Upstream, Target string
	Answered, Failed uint64 // attempts
}

// Durations is how many durations fell into which range.
type Durations struct {
	counts [len(bounds) + 1]uint64
}

// Sub returns what has been added since before was taken, which was of the same
// counters.
func (d Durations) Sub(before Durations) Durations {
	for i := range d.counts {
		d.counts[i] -= min(before.counts[i], d.counts[i])
	}
	return d
}

// Add returns the durations of both.
func (d Durations) Add(other Durations) Durations {
	for i := range d.counts {
		d.counts[i] += other.counts[i]
	}
	return d
}

// Count returns how many there are.
func (d Durations) Count() (n uint64) {
	for _, c := range d.counts {
		n += c
	}
	return n
}

// Quantile estimates what the part q of the durations is not above, taking those
// in one range as spread evenly over it, as Prometheus does. It is 0 where there
// are none, and the greatest bound where it is above that.
func (d Durations) Quantile(q float64) time.Duration {
	total := d.Count()
	if total == 0 {
		return 0
	}
	rank, below := q*float64(total), 0.0
	for i, b := range bounds {
		n := float64(d.counts[i])
		if n > 0 && below+n >= rank {
			from := time.Duration(0)
			if i > 0 {
				from = bounds[i-1]
			}
			return from + time.Duration(float64(b-from)*(rank-below)/n)
		}
		below += n
	}
	return bounds[len(bounds)-1]
}

// count adds n requests of a class.
func (t *RouteFigures) count(class int, n uint64) {
	t.Requests += n
	switch class {
	case 4:
		t.ClientErrors += n
	case 5:
		t.Errors += n
	}
}

func (t *RouteFigures) addFailures(f *failures) {
	f.each(func(reason string, n float64) {
		if t.Failures == nil {
			t.Failures = make(map[string]uint64)
		}
		t.Failures[reason] += uint64(n)
	})
	// These had a status that says nothing of it.
	t.Errors += t.Failures[exchange.ResponseTruncated.String()]
}

func (r *RouteMetrics) figures() RouteFigures {
	t := RouteFigures{Name: r.name}
	r.cells.each(func(c *routeCell) {
		for i := range c.classes {
			t.count(i, c.classes[i].Load())
		}
		t.Durations.addTo(&c.duration)
	})
	t.addFailures(&r.failures)
	return t
}

// Failures counts the requests of all routes that failed since the start, by reason.
func (m *Metrics) Failures() map[string]uint64 {
	var all RouteFigures
	all.addFailures(&m.failures)
	return all.Failures
}

func (d *Durations) addTo(h *histogram) {
	for i := range h.buckets {
		d.counts[i] += h.buckets[i].Load()
	}
	if f := h.fine.Load(); f != nil {
		for i := range f.slots {
			d.counts[fine.coarse[i]] += f.slots[i].Load()
		}
	}
}

func (u *UpstreamMetrics) figures() UpstreamFigures {
	t := UpstreamFigures{Name: u.name}
	u.cells.each(func(c *upstreamCell) {
		t.Requests += c.requests()
		t.Retries += c.retries.Load()
		t.Headers.addTo(&c.header)
	})
	return t
}

func (t *TargetMetrics) figures() TargetFigures {
	total := TargetFigures{Upstream: t.upstream, Target: t.target}
	t.cells.each(func(c *targetCell) { total.Answered += c.ok[0].Load() + c.ok[1].Load() })
	t.failures.each(func(_ string, n float64) { total.Failed += uint64(n) })
	return total
}
