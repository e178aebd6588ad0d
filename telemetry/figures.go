package telemetry

import (
	"maps"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

// Figures are counters as they are at one moment, for those who show them without
// Prometheus. Counters only grow, but a name that a reload takes away is gone.
type Figures struct {
	// Routes are those that were asked for; "" stands for requests that no route
	// took. They are in no order, like the others.
	Routes    []RouteFigures
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
	BytesIn, BytesOut    uint64
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

// Figures returns the counters as they are now. It costs some microseconds and
// for each name in use some hundred bytes, and takes no lock that a request waits for.
func (m *Metrics) Figures() *Figures {
	m.mu.Lock()
	routes, upstreams := slices.Collect(maps.Values(m.routes)), slices.Collect(maps.Values(m.upstreams))
	targets := slices.Collect(maps.Values(m.targets))
	m.mu.Unlock()
	t := new(Figures)
	for _, r := range routes {
		t.addRoute(r.counters)
	}
	t.addRoute(m.unmatched)
	for _, u := range upstreams {
		t.Upstreams = append(t.Upstreams, u.counters.figures())
	}
	for _, g := range targets {
		t.Targets = append(t.Targets, g.counters.figures())
	}
	return t
}

// addRoute adds a route, if it was ever asked for.
func (t *Figures) addRoute(r *RouteMetrics) {
	total := RouteFigures{Name: r.name}
	used := r.cells.each(func(c *routeCell) {
		for i := range c.classes {
			n := c.classes[i].Load()
			total.Requests += n
			switch i {
			case 4:
				total.ClientErrors += n
			case 5:
				total.Errors += n
			}
		}
		total.BytesIn += c.in.Load()
		total.BytesOut += c.out.Load()
		total.Durations.addTo(&c.duration)
	})
	if !used {
		return
	}
	r.failures.each(func(reason string, n float64) {
		if total.Failures == nil {
			total.Failures = make(map[string]uint64)
		}
		total.Failures[reason] += uint64(n)
	})
	// These had a status that says nothing of it.
	total.Errors += total.Failures[exchange.ResponseTruncated.String()]
	t.Routes = append(t.Routes, total)
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
		t.Requests += c.requests.Load()
		t.Retries += c.retries.Load()
		t.Headers.addTo(&c.header)
	})
	return t
}

func (t *TargetMetrics) figures() TargetFigures {
	total := TargetFigures{Upstream: t.upstream, Target: t.target}
	t.cells.each(func(c *targetCell) { total.Answered += c.ok.Load() })
	t.failures.each(func(_ string, n float64) { total.Failed += uint64(n) })
	return total
}
