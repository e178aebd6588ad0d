package admin

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/telemetry"
)

// What is kept for charts: 5 minutes, which comes to some 4 KB a series.
const (
	sampleEvery = 2 * time.Second
	samplesKept = 150
	// recentSamples is how many a figure of "now" is taken over: 10 seconds.
	recentSamples = 5
	// maxSeries bounds the routes, the upstreams and the targets looked after. Of
	// more than that, those that were asked most often are.
	maxSeries = 256
)

// counters are what is counted of a route, an upstream, a target, or in all.
type counters struct {
	requests, clientErrors, errors uint64
	times                          telemetry.Durations
}

// since returns what was counted since before; ok is false where a counter has
// become less: then something else is counted.
func (c *counters) since(before *counters) (delta counters, ok bool) {
	delta = counters{c.requests - before.requests, c.clientErrors - before.clientErrors, c.errors - before.errors, c.times.Sub(before.times)}
	return delta, c.requests >= before.requests && c.clientErrors >= before.clientErrors && c.errors >= before.errors
}

// figure is a number of a chart; NaN stands for none, and is null in JSON.
type figure float32

var none = figure(math.NaN())

// MarshalJSON implements json.Marshaler.
func (f figure) MarshalJSON() ([]byte, error) {
	if f != f {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, math.Round(float64(f)*1000)/1000, 'f', -1, 64), nil
}

// point is one sample of a series: rates a second, and times in ms.
type point struct{ requests, clientErrors, errors, p50, p99 figure }

// pointOf is what was counted in a time.
func pointOf(delta *counters, took time.Duration) point {
	p := point{perSecond(delta.requests, took), perSecond(delta.clientErrors, took), perSecond(delta.errors, took), none, none}
	if delta.times.Count() > 0 {
		p.p50, p.p99 = millis(delta.times.Quantile(0.5)), millis(delta.times.Quantile(0.99))
	}
	return p
}

func perSecond(n uint64, took time.Duration) figure { return figure(float64(n) / took.Seconds()) }

func millis(d time.Duration) figure { return figure(d.Seconds() * 1000) }

// mark is what a series had counted at a time.
type mark struct {
	at time.Time
	counters
}

// series is the history of one thing.
type series struct {
	marks  []mark  // of the last samples, oldest first; recentSamples+1 at most
	points []point // oldest first, the last of the last sample
}

// advance takes in a sample.
func (s *series) advance(at time.Time, now *counters) {
	p := point{none, none, none, none, none}
	if n := len(s.marks); n > 0 {
		last := &s.marks[n-1]
		delta, ok := now.since(&last.counters)
		if took := at.Sub(last.at); ok && took > 0 {
			p = pointOf(&delta, took)
		} else {
			s.marks = s.marks[:0]
		}
		s.points = push(s.points, p, samplesKept)
	}
	s.marks = push(s.marks, mark{at, *now}, recentSamples+1)
}

// push appends to a list that forgets its oldest.
func push[T any](list []T, v T, most int) []T {
	if len(list) == most {
		copy(list, list[1:])
		list[most-1] = v
		return list
	}
	return append(list, v)
}

// now returns the figures of the last seconds.
func (s *series) now() (p point, ok bool) {
	if s == nil || len(s.marks) < 2 {
		return point{}, false
	}
	first, last := &s.marks[0], &s.marks[len(s.marks)-1]
	delta, _ := last.since(&first.counters)
	return pointOf(&delta, last.at.Sub(first.at)), true
}

// total is what was counted up to the last sample.
func (s *series) total() counters {
	if s == nil || len(s.marks) == 0 {
		return counters{}
	}
	return s.marks[len(s.marks)-1].counters
}

// gauges are what is read off at each sample.
type gauges struct{ connections, inFlight, tunnels int64 }

// history is what charts show. Its memory is bounded, whatever the config holds.
type history struct {
	mu        sync.Mutex
	number    uint64 // of samples taken
	last      time.Time
	times     []time.Time // of the samples, oldest first
	gauges    []gauges
	all       series
	routes    family
	upstreams family
	targets   family
}

// family is the series of one kind, by name; a target's is upstream, NUL, address.
type family struct {
	series map[string]*series
	full   bool // there was no room for all at the last sample
}

// sample takes in the figures as they are at a time.
func (h *history) sample(at time.Time, f *telemetry.Figures, g gauges) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := counters{f.All.Requests, f.All.ClientErrors, f.All.Errors, f.All.Durations}
	routes, upstreams, targets := map[string]*counters{}, map[string]*counters{}, map[string]*counters{}
	for i := range f.Routes {
		r := &f.Routes[i]
		routes[r.Name] = &counters{r.Requests, r.ClientErrors, r.Errors, r.Durations}
	}
	for i := range f.Upstreams {
		u := &f.Upstreams[i]
		upstreams[u.Name] = &counters{requests: u.Requests, times: u.Headers}
	}
	for i := range f.Targets {
		t := &f.Targets[i]
		targets[targetKey(t.Upstream, t.Target)] = &counters{requests: t.Answered + t.Failed, errors: t.Failed}
		if u := upstreams[t.Upstream]; u != nil {
			u.errors += t.Failed
		}
	}
	before := h.last
	h.number, h.last = h.number+1, at
	h.times, h.gauges = push(h.times, at, samplesKept), push(h.gauges, g, samplesKept)
	h.all.advance(at, &all)
	h.routes.advance(before, at, routes)
	h.routes.full = h.routes.full || f.RoutesLeftOut
	h.upstreams.advance(before, at, upstreams)
	h.targets.advance(before, at, targets)
}

func targetKey(upstream, target string) string { return upstream + "\x00" + target }

// advance takes in a sample; before is the time of the one before.
func (f *family) advance(before, at time.Time, now map[string]*counters) {
	for name := range f.series {
		if now[name] == nil {
			delete(f.series, name)
		}
	}
	if f.series == nil {
		f.series = make(map[string]*series)
	}
	var fresh []string
	for name := range now {
		if f.series[name] == nil {
			fresh = append(fresh, name)
		}
	}
	slices.SortFunc(fresh, func(a, b string) int {
		return cmp.Or(cmp.Compare(now[b].requests, now[a].requests), cmp.Compare(a, b))
	})
	room := min(len(fresh), maxSeries-len(f.series))
	for _, name := range fresh[:room] {
		s := new(series)
		// What is new began at zero, after the sample before; of what there was
		// no room for, that is not known.
		if !before.IsZero() && !f.full {
			s.marks = append(s.marks, mark{at: before})
		}
		f.series[name] = s
	}
	f.full = room < len(fresh)
	for name, s := range f.series {
		s.advance(at, now[name])
	}
}
