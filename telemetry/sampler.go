package telemetry

import (
	"cmp"
	"maps"
	"slices"
)

// Sampler reads figures again and again, at a cost that does not grow with the
// number of routes: it looks after some of them. It is for one goroutine.
type Sampler struct {
	m       *Metrics
	most    int
	routes  []*RouteMetrics // looked after; all in use
	firsts  uint64          // what firsts was when all routes were looked at last
	leftOut bool            // there was no room for all that were in use then
}

// Sampler returns one that looks after so many routes at most: those that were
// asked for most often when there was room for them.
func (m *Metrics) Sampler(most int) *Sampler { return &Sampler{m: m, most: most} }

// Figures returns the counters as they are now. It takes no lock that a request
// waits for.
func (s *Sampler) Figures() *Figures {
	m := s.m
	m.mu.Lock()
	s.routes = slices.DeleteFunc(s.routes, func(r *RouteMetrics) bool {
		known := m.routes[r.name]
		return known == nil || known.counters != r
	})
	upstreams, targets := slices.Collect(maps.Values(m.upstreams)), slices.Collect(maps.Values(m.targets))
	m.mu.Unlock()
	if firsts := m.firsts.Load(); len(s.routes) < s.most && (s.leftOut || firsts != s.firsts) {
		s.firsts = firsts
		s.choose()
	}
	t := &Figures{All: m.common.figures(), RoutesLeftOut: s.leftOut}
	for _, r := range s.routes {
		t.Routes = append(t.Routes, r.figures())
	}
	if m.unmatched.used() {
		t.Routes = append(t.Routes, m.unmatched.figures())
	}
	for _, u := range upstreams {
		t.Upstreams = append(t.Upstreams, u.counters.figures())
	}
	for _, g := range targets {
		t.Targets = append(t.Targets, g.counters.figures())
	}
	return t
}

// choose fills the room that there is with the routes most often asked for.
func (s *Sampler) choose() {
	known := make(map[*RouteMetrics]bool, len(s.routes))
	for _, r := range s.routes {
		known[r] = true
	}
	type candidate struct {
		*RouteMetrics
		requests uint64
	}
	var found []candidate
	s.m.eachUsed(func(r *RouteMetrics) {
		if !known[r] {
			found = append(found, candidate{r, r.totals().Requests})
		}
	})
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.requests, a.requests), cmp.Compare(a.name, b.name))
	})
	room := min(s.most-len(s.routes), len(found))
	for _, c := range found[:room] {
		s.routes = append(s.routes, c.RouteMetrics)
	}
	s.leftOut = room < len(found)
}
