package telemetry

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

// TestCountsThatAreWorkedOut: what is not counted by itself comes out right, before and
// after native histograms are wanted.
func TestCountsThatAreWorkedOut(t *testing.T) {
	m := NewMetrics("")
	s := m.Scope()
	r, u, target := s.Route("r"), s.Upstream("u"), s.Target("u", "t")
	both := func() {
		r.ObserveWith(u, &exchange.Facts{Status: 200, HeaderTime: time.Millisecond, Duration: time.Second})
		r.ObserveWith(u, &exchange.Facts{Status: 503, Reason: exchange.NoTarget})
		u.Observe(&exchange.Facts{Status: 200, HeaderTime: time.Hour})
	}
	both()
	m.native.Store(true)
	both()
	if n := u.Requests(); n != 6 {
		t.Errorf("%d requests of the upstream", n)
	}
	for range 3 {
		target.Attempted(exchange.OK, true)
	}
	target.Attempted(exchange.OK, false)
	target.Attempted(exchange.UpstreamClosed, true)
	target.Attempted(exchange.ConnectFailed, false)
	want(t, scrape(t, m),
		`sluice_upstream_requests_total{upstream="u"}`, "6", `sluice_upstream_header_seconds_count{upstream="u"}`, "4",
		`sluice_upstream_refused_total{reason="no_target",upstream="u"}`, "2",
		`sluice_requests_total{class="2xx",route="r"}`, "2", `sluice_requests_total{class="5xx",route="r"}`, "2",
		`sluice_target_requests_total{result="ok",target="t",upstream="u"}`, "4", `sluice_target_reuses_total{target="t",upstream="u"}`, "4",
		`sluice_target_requests_total{result="upstream_closed",target="t",upstream="u"}`, "1")
	if f := target.figures(); f.Answered != 4 || f.Failed != 2 {
		t.Errorf("figures %+v", f)
	}
}

// BenchmarkRequest is all that is counted of a request that went well.
func BenchmarkRequest(b *testing.B) {
	s := NewMetrics("").Scope()
	r, u, target := s.Route("r"), s.Upstream("u"), s.Target("u", "t")
	f := &exchange.Facts{Status: 200, BytesOut: 4096, Attempts: 1, HeaderTime: 700 * time.Microsecond, Duration: 730 * time.Microsecond}
	b.ReportAllocs()
	for b.Loop() {
		target.Attempted(exchange.OK, true)
		r.ObserveWith(u, f)
	}
}
