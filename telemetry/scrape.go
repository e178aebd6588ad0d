package telemetry

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// TextType is the media type of what WriteText writes.
const TextType = "text/plain; version=0.0.4; charset=utf-8"

// ProtobufType is the media type of what WriteProtobuf writes.
const ProtobufType = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

// WantsProtobuf reports whether one whose request has this Accept field would
// rather have what WriteProtobuf writes than what WriteText does.
func WantsProtobuf(accept string) bool {
	protobuf := expfmt.NewFormat(expfmt.TypeProtoDelim)
	f := expfmt.NegotiateAccept(http.Header{"Accept": {accept}}, expfmt.NewFormat(expfmt.TypeTextPlain), protobuf)
	return f.FormatType() == expfmt.TypeProtoDelim
}

// WriteText scrapes, and writes the Prometheus text format. It writes what it can
// and then returns all errors: of values that could not be had, or of w.
func (m *Metrics) WriteText(w io.Writer) error {
	return write(w, m.text, expfmt.NewFormat(expfmt.TypeTextPlain))
}

// WriteProtobuf is WriteText for Prometheus's protobuf format, length-delimited,
// the only one with native histograms. To keep their buckets costs memory, 2 KiB
// a histogram and core, so that is done from the first call on: histograms in this
// format, native or not, have what was observed since then.
func (m *Metrics) WriteProtobuf(w io.Writer) error {
	if !m.native.Load() {
		m.mu.Lock()
		if m.since.IsZero() {
			m.since = time.Now()
		}
		m.mu.Unlock()
		m.native.Store(true)
	}
	return write(w, m.protobuf, expfmt.NewFormat(expfmt.TypeProtoDelim))
}

func write(w io.Writer, registry *prometheus.Registry, format expfmt.Format) error {
	gathered, err := registry.Gather()
	errs := []error{err}
	encoder := expfmt.NewEncoder(w, format)
	for _, f := range gathered {
		if err := encoder.Encode(f); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	return errors.Join(errs...)
}

// reading is one scrape under way.
type reading struct {
	ch          chan<- prometheus.Metric
	native      bool
	nativeSince time.Time
}

// collector is Metrics for a registry, and not for anybody else.
type collector struct {
	m      *Metrics
	native bool
}

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
	s := &reading{ch: ch, native: c.native, nativeSince: m.since}
	m.mu.Unlock()

	m.unmatched.collect(s)
	for _, r := range routes {
		r.counters.collect(s)
	}
	for _, u := range upstreams {
		u.counters.collect(s)
	}
	for _, t := range targets {
		t.counters.collect(s)
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
	m.traces.emit(emit)
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

// heldSinks is what one access log has acquired.
type heldSinks = held[string, sinkCounters]

// sink returns the counters of a sink, and notes in held that they are used.
func (m *Metrics) sink(name string, held *heldSinks) *sinkCounters {
	name = label(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sinks.acquire(held, name, func() *sinkCounters { return &sinkCounters{name: name} })
}

func (m *Metrics) releaseSinks(held *heldSinks) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sinks.release(held)
}
