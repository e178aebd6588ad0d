package telemetry

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/sluiceproxy/sluice/exchange"
)

// protobuf scrapes in that format, by name.
func protobuf(t testing.TB, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteProtobuf(&b); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*dto.MetricFamily)
	for d := expfmt.NewDecoder(&b, expfmt.NewFormat(expfmt.TypeProtoDelim)); ; {
		f := new(dto.MetricFamily)
		if err := d.Decode(f); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[f.GetName()] = f
	}
}

// durations returns the histogram of a route.
func durations(t testing.TB, m *Metrics, route string) *dto.Histogram {
	t.Helper()
	for _, s := range protobuf(t, m)[RequestSeconds.Name].GetMetric() {
		if s.GetLabel()[0].GetValue() == route {
			return s.GetHistogram()
		}
	}
	t.Fatalf("no histogram of %q", route)
	return nil
}

// nativeBuckets returns the counts of a native histogram by bucket.
func nativeBuckets(h *dto.Histogram) map[int]int64 {
	counts := make(map[int]int64)
	k, i, n := 0, 0, int64(0)
	for _, span := range h.GetPositiveSpan() {
		k += int(span.GetOffset())
		for range span.GetLength() {
			n += h.GetPositiveDelta()[i]
			i++
			if n > 0 {
				counts[k] = n
			}
			k++
		}
	}
	return counts
}

func TestFineBuckets(t *testing.T) {
	if len(fine.bounds)+1 != fineSlots {
		t.Fatalf("%d fine bounds, and %d slots", len(fine.bounds), fineSlots)
	}
	naive := func(d uint64) int {
		for i, b := range fine.bounds {
			if d <= b {
				return i
			}
		}
		return len(fine.bounds)
	}
	check := func(d uint64) {
		slot := fineOf(d)
		if want := naive(d); slot != want {
			t.Errorf("slot of %d is %d, want %d", d, slot, want)
		}
		if got, want := int(fine.coarse[slot]), bucketOf(time.Duration(d)); got != want {
			t.Errorf("bucket of %d is %d, want %d", d, got, want)
		}
		// The definition of the native buckets, but for both ends.
		seconds, k := float64(d)/1e9, fine.native[slot]
		low, high := math.Exp2(float64(k-1)/8), math.Exp2(float64(k)/8)
		if k > nativeZero && seconds <= low*(1-1e-12) || k <= nativeLast && seconds > high*(1+1e-12) {
			t.Errorf("%v s is in native bucket %d, which is from %v to %v", seconds, k, low, high)
		}
	}
	for _, b := range fine.bounds {
		check(b - 1)
		check(b)
		check(b + 1)
	}
	for shift := range 63 {
		check(1<<shift - 1)
		check(1 << shift)
	}
	check(math.MaxInt64)
	for range 100_000 {
		check(rand.Uint64() >> 1 >> rand.IntN(63))
	}
}

func TestNativeHistograms(t *testing.T) {
	m := NewMetrics("")
	s := m.Scope()
	r, u := s.Route("a"), s.Upstream("u")
	see := func(d time.Duration) {
		f := &exchange.Facts{Status: 200, Duration: d, HeaderTime: d}
		r.Observe(f)
		u.Observe(f)
	}
	see(time.Second) // before anybody asked
	if h := durations(t, m, "a"); h.GetSampleCount() != 0 || h.GetSchema() != 3 || h.GetZeroThreshold() == 0 || h.GetCreatedTimestamp() == nil {
		t.Errorf("at first %v", h)
	}
	for _, d := range []time.Duration{time.Microsecond, time.Second, time.Second + 1, 3 * time.Hour} {
		see(d)
	}
	h := durations(t, m, "a")
	if h.GetSampleCount() != 4 || h.GetZeroCount() != 1 || math.Abs(h.GetSampleSum()-10802.000001) > 1e-6 {
		t.Errorf("count %d, zero %d, sum %v", h.GetSampleCount(), h.GetZeroCount(), h.GetSampleSum())
	}
	counts := nativeBuckets(h)
	if len(counts) != 3 || counts[0] != 1 || counts[1] != 1 || counts[nativeLast+1] != 1 {
		t.Errorf("native buckets %v", counts)
	}
	for _, b := range h.GetBucket() {
		want := uint64(1)
		switch {
		case b.GetUpperBound() > 1:
			want = 3
		case b.GetUpperBound() == 1:
			want = 2
		}
		if b.GetCumulativeCount() != want {
			t.Errorf("up to %v: %d, want %d", b.GetUpperBound(), b.GetCumulativeCount(), want)
		}
	}
	// The text has all, whenever it was observed.
	want(t, scrape(t, m),
		`sluice_request_duration_seconds_bucket{route="a",le="0.0001"}`, "1",
		`sluice_request_duration_seconds_bucket{route="a",le="1"}`, "3",
		`sluice_request_duration_seconds_bucket{route="a",le="2.5"}`, "4",
		`sluice_request_duration_seconds_bucket{route="a",le="+Inf"}`, "5",
		`sluice_request_duration_seconds_count{route="a"}`, "5",
		`sluice_upstream_header_seconds_count{upstream="u"}`, "5",
		`sluice_requests_total{class="2xx",route="a"}`, "5")
	for _, f := range m.Sampler(10).Figures().Routes {
		if n := f.Durations.Count(); f.Name == "a" && n != 5 {
			t.Errorf("%d durations in the figures", n)
		}
	}
}

// TestFormatsAgree: both formats have the same families, with as many series.
func TestFormatsAgree(t *testing.T) {
	m := exercised()
	families := protobuf(t, m)
	for _, d := range Definitions() {
		if len(families[d.Name].GetMetric()) == 0 {
			t.Errorf("%s is not there", d.Name)
		}
	}
	if families["go_goroutines"] == nil {
		t.Error("nothing of the Go runtime")
	}
}

func TestWantsProtobuf(t *testing.T) {
	const prometheus = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	for accept, want := range map[string]bool{
		prometheus:   true,
		"":           false,
		"*/*":        false,
		"text/plain": false,
		"text/html,application/xhtml+xml,*/*;q=0.8":                                                 false,
		"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1": false,
		"application/vnd.google.protobuf;proto=some.Other;encoding=delimited":                       false,
		"application/json;;;=,\x00":                                                                 false,
	} {
		if WantsProtobuf(accept) != want {
			t.Errorf("%q: want %v", accept, want)
		}
	}
}

func TestNativeObserveDoesNotAllocate(t *testing.T) {
	m := NewMetrics("")
	r := m.Scope().Route("r")
	protobuf(t, m)
	f := &exchange.Facts{Status: 200, Duration: 12345678}
	for range 100 {
		r.Observe(f) // each core's first
	}
	noAllocs(t, func() { r.Observe(f) })
}

func BenchmarkRouteObserveNative(b *testing.B) {
	m := NewMetrics("")
	m.native.Store(true)
	r := m.Scope().Route("r")
	f := &exchange.Facts{Status: 200, BytesIn: 1024, BytesOut: 4096, Duration: 730 * time.Microsecond}
	b.ReportAllocs()
	for b.Loop() {
		r.Observe(f)
	}
}
