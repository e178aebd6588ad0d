package telemetry

import "strings"

// family holds the counters of one kind by name, and how often scopes use each.
// It is guarded by Metrics.mu.
type family[K comparable, V any] map[K]*member[K, V]

type member[K comparable, V any] struct {
	key      K
	counters *V
	uses     int // how often scopes have acquired it
}

// held is what a scope has acquired, which may be the same several times.
type held[K comparable, V any] []*member[K, V]

// acquire returns the counters of k, made by fresh if there are none, and notes
// in held that the scope uses them.
func (f family[K, V]) acquire(h *held[K, V], k K, fresh func() *V) *V {
	m := f[k]
	if m == nil {
		m = &member[K, V]{key: k, counters: fresh()}
		f[k] = m
	}
	m.uses++
	*h = append(*h, m)
	return m.counters
}

func (f family[K, V]) release(h *held[K, V]) {
	for _, m := range *h {
		if m.uses--; m.uses == 0 {
			delete(f, m.key)
		}
	}
	*h = nil
}

// Scope is what one generation counts by. The same name means the same counters
// in every scope, so they go on over reloads; the series of a name are there as
// long as a scope that has asked for it, which bounds their number. A generation
// must ask for every name of its own, also those of parts it took over. Its
// methods take a lock and are for compiling; safe for any goroutine.
type Scope struct {
	m         *Metrics
	routes    held[string, RouteMetrics]
	upstreams held[string, UpstreamMetrics]
	targets   held[[2]string, TargetMetrics]
}

// Scope returns a new scope, to be closed when its generation has retired or was
// refused.
func (m *Metrics) Scope() *Scope {
	return &Scope{m: m}
}

// Route returns the counters of a route.
func (s *Scope) Route(name string) *RouteMetrics {
	name = label(name)
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.m.routes[name] == nil {
		// It may be a part of a whole config file, which it would keep in memory.
		name = strings.Clone(name)
	}
	return s.m.routes.acquire(&s.routes, name, func() *RouteMetrics {
		return s.m.newRoute(name)
	})
}

// Upstream returns the counters of an upstream.
func (s *Scope) Upstream(name string) *UpstreamMetrics {
	name = label(name)
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.upstreams.acquire(&s.upstreams, name, func() *UpstreamMetrics {
		return &UpstreamMetrics{name: name, native: &s.m.native, cells: newStriped[upstreamCell]()}
	})
}

// Target returns the counters of an upstream's target.
func (s *Scope) Target(upstream, target string) *TargetMetrics {
	upstream, target = label(upstream), label(target)
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.targets.acquire(&s.targets, [2]string{upstream, target}, func() *TargetMetrics {
		return &TargetMetrics{upstream: upstream, target: target, cells: newStriped[targetCell]()}
	})
}

// Close ends the scope: series that no other scope uses are gone. Counters still
// held may be used, but are not seen again. Closing twice is harmless.
func (s *Scope) Close() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.routes.release(&s.routes)
	s.m.upstreams.release(&s.upstreams)
	s.m.targets.release(&s.targets)
}

// label makes name fit for a label, which must be UTF-8; one series that is not
// would spoil the whole scrape.
func label(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }
