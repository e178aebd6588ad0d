// Package telemetry tells operators what happens: metrics, the access log and
// the events log. It decides nothing and serves nothing; admin hands its text
// out.
package telemetry

import (
	"errors"
	"io"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Metrics is everything that is counted in one process. What runs per request
// goes through handles of a [Scope]; Metrics itself is for set-up and scrapes.
// It is safe for any goroutine.
type Metrics struct {
	registry  *prometheus.Registry
	version   string
	unmatched *RouteMetrics
	reloads   reloadCounters
	filtered  striped[filteredCell]

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
		registry:  prometheus.NewRegistry(),
		version:   label(version),
		unmatched: &RouteMetrics{cells: newStriped[routeCell]()},
		routes:    make(family[string, RouteMetrics]),
		upstreams: make(family[string, UpstreamMetrics]),
		targets:   make(family[[2]string, TargetMetrics]),
		sinks:     make(family[string, sinkCounters]),
		filtered:  newStriped[filteredCell](),
	}
	m.registry.MustRegister(collector{m},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
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

// TextType is the media type of what WriteText writes.
const TextType = "text/plain; version=0.0.4; charset=utf-8"

// WriteText scrapes, and writes the Prometheus text format. It writes what it can
// and then returns all errors: of values that could not be had, or of w.
func (m *Metrics) WriteText(w io.Writer) error {
	gathered, err := m.registry.Gather()
	errs := []error{err}
	encoder := expfmt.NewEncoder(w, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range gathered {
		if err := encoder.Encode(f); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	return errors.Join(errs...)
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

// collector is Metrics for the registry, and not for anybody else.
type collector struct{ m *Metrics }

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range definitions {
		ch <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	m := c.m
	m.mu.Lock()
	routes, upstreams := slices.Collect(maps.Values(m.routes)), slices.Collect(maps.Values(m.upstreams))
	targets, sources := slices.Collect(maps.Values(m.targets)), slices.Clone(m.sources)
	m.mu.Unlock()

	m.unmatched.collect(ch)
	for _, r := range routes {
		r.counters.collect(ch)
	}
	for _, u := range upstreams {
		u.counters.collect(ch)
	}
	for _, t := range targets {
		t.counters.collect(ch)
	}
	emit := func(d *Definition, value float64, labels ...string) {
		ch <- d.metric(value, labels...)
	}
	m.process(emit)
	for _, source := range sources {
		source(emit)
	}
}

// process emits what there is once in a process.
func (m *Metrics) process(emit Emit) {
	for i, name := range reloadNames {
		emit(Reloads, float64(m.reloads.results[i].Load()), name)
	}
	ok := 1.0
	if m.reloads.refused.Load() {
		ok = 0
	}
	emit(ReloadOK, ok)
	if t := m.reloads.success.Load(); t != 0 {
		emit(ReloadTime, float64(t)/1000)
	}
	m.accessLog(emit)
	emit(BuildInfo, 1, m.version, runtime.Version())
}

// accessLog emits what is counted of the access log and of its sinks.
func (m *Metrics) accessLog(emit Emit) {
	filtered := uint64(0)
	m.filtered.each(func(c *filteredCell) { filtered += c.n.Load() })
	emit(AccessFiltered, float64(filtered))
	m.mu.Lock()
	sinks := slices.Collect(maps.Values(m.sinks))
	m.mu.Unlock()
	for _, s := range sinks {
		c := s.counters
		emit(AccessLines, float64(c.lines.Load()), c.name)
		emit(AccessDropped, float64(c.behind.Load()), c.name, "behind")
		emit(AccessDropped, float64(c.failed.Load()), c.name, "failed")
		trouble := 0.0
		if c.trouble.Load() {
			trouble = 1
		}
		emit(AccessTrouble, trouble, c.name)
	}
}

// sink returns the counters of a sink, and notes in held that they are used.
func (m *Metrics) sink(name string, held map[string]struct{}) *sinkCounters {
	name = label(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sinks.acquire(held, name, func() *sinkCounters { return &sinkCounters{name: name} })
}

func (m *Metrics) releaseSinks(held map[string]struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sinks.release(held)
}
