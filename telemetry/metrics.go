// Package telemetry tells operators what happens: metrics, the access log and
// the events log. It decides nothing and serves nothing; admin hands its text
// out.
package telemetry

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics is everything that is counted in one process. What runs per request
// goes through handles of a [Scope]; Metrics itself is for set-up and scrapes.
// It is safe for any goroutine.
type Metrics struct {
	text      *prometheus.Registry
	protobuf  *prometheus.Registry // the same with native histograms
	version   string
	unmatched *RouteMetrics
	reloads   reloadCounters
	filtered  striped[filteredCell]
	common
	since  time.Time // when they were, guarded by mu
	traces traceCounters

	mu        sync.Mutex
	routes    family[string, RouteMetrics]
	upstreams family[string, UpstreamMetrics]
	targets   family[[2]string, TargetMetrics]
	sinks     family[string, sinkCounters]
	sources   []func(Emit)
}

// filteredCell counts the records that a stage of the access log has ended.
type filteredCell struct {
	n atomic.Uint64
	_ [56]byte // no two stripes in one cache line
}

// NewMetrics returns metrics at zero, with those of the Go runtime and of the
// process. version is the build's, for sluice_build_info.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		text:      runtimeRegistry(),
		protobuf:  runtimeRegistry(),
		version:   label(version),
		routes:    make(family[string, RouteMetrics]),
		upstreams: make(family[string, UpstreamMetrics]),
		targets:   make(family[[2]string, TargetMetrics]),
		sinks:     make(family[string, sinkCounters]),
		filtered:  newStriped[filteredCell](),
	}
	m.sums = newStriped[sumCell]()
	m.unmatched = m.newRoute("")
	m.text.MustRegister(collector{m, false})
	m.protobuf.MustRegister(collector{m, true})
	return m
}

// runtimeRegistry returns a registry of what the Go runtime and the system tell of
// the process.
func runtimeRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Unmatched returns the counters of requests that no route took; their route is
// empty.
func (m *Metrics) Unmatched() *RouteMetrics { return m.unmatched }

// Emit sends one value of a counter or gauge at a scrape, with its labels in the
// order of the definition. A series must be sent once only.
type Emit func(d *Definition, value float64, labels ...string)

// Collect makes source a part of every scrape, from whatever goroutine scrapes,
// for values that others keep. It cannot be taken back: source must find what is
// in force each time.
func (m *Metrics) Collect(source func(emit Emit)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = append(m.sources, source)
}

// Gauge makes value what d, which has no labels, is at a scrape.
func (m *Metrics) Gauge(d *Definition, value func() float64) {
	m.Collect(func(emit Emit) { emit(d, value()) })
}

// ReloadResult is how a load of the config ended.
type ReloadResult uint8

// The results.
const (
	ReloadApplied   ReloadResult = iota // a new generation is in force
	ReloadUnchanged                     // the file says what is in force already
	ReloadRefused                       // what was in force stays
	ReloadReverted                      // what was in force before is again
	reloadResults
)

var reloadNames = [reloadResults]string{"applied", "unchanged", "refused", "reverted"}

type reloadCounters struct {
	results [reloadResults]atomic.Uint64
	refused atomic.Bool  // the last one was, or was taken back
	success atomic.Int64 // Unix milliseconds, 0 for none yet
}

// Reloaded counts a load of the config that ended at the time given. The load at
// the start of the process counts too.
func (m *Metrics) Reloaded(r ReloadResult, at time.Time) {
	m.reloads.results[r].Add(1)
	bad := r == ReloadRefused || r == ReloadReverted
	m.reloads.refused.Store(bad)
	if !bad {
		m.reloads.success.Store(at.UnixMilli())
	}
}
