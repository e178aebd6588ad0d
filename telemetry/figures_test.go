package telemetry

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

func TestFigures(t *testing.T) {
	m := NewMetrics("v1.2.3")
	s := m.Scope()
	s.Route("unused")
	api := s.Route("api")
	for _, f := range []exchange.Facts{
		{Status: 200, Duration: 3 * time.Millisecond, BytesIn: 1, BytesOut: 10},
		{Status: 404, Duration: 3 * time.Millisecond, BytesOut: 10},
		{Status: 503, Reason: exchange.NoTarget},
		{Status: 200, Reason: exchange.ResponseTruncated, Duration: time.Hour},
		{Reason: exchange.ClientClosed},
		{Status: 101, Upgraded: true, Duration: time.Hour, Reason: exchange.UpstreamIdle},
	} {
		api.Observe(&f)
	}
	m.Unmatched().Observe(&exchange.Facts{Status: 404, Reason: exchange.NoRoute})
	s.Upstream("pool").Observe(&exchange.Facts{Attempts: 3, HeaderTime: time.Millisecond})
	target := s.Target("pool", "127.0.0.1:9001")
	target.Attempted(exchange.OK, true)
	target.Attempted(exchange.UpstreamClosed, false)
	target.Attempted(exchange.ConnectFailed, false)
	sampler := m.Sampler(10)
	got := sampler.Figures()
	if len(got.Routes) != 2 || len(got.Upstreams) != 1 || len(got.Targets) != 1 {
		t.Fatalf("totals of %d routes, %d upstreams, %d targets", len(got.Routes), len(got.Upstreams), len(got.Targets))
	}
	r := got.Routes[0]
	if r.Name != "api" || r.Requests != 6 || r.ClientErrors != 1 || r.Errors != 2 || r.Durations.Count() != 5 {
		t.Errorf("route: %+v, %d durations", r, r.Durations.Count())
	}
	if r.Failures["no_target"] != 1 || r.Failures["client_closed"] != 1 || len(r.Failures) != 4 {
		t.Errorf("failures: %v", r.Failures)
	}
	if u := got.Routes[1]; u.Name != "" || u.ClientErrors != 1 || u.Failures["no_route"] != 1 {
		t.Errorf("without a route: %+v", u)
	}
	if u := got.Upstreams[0]; u.Name != "pool" || u.Requests != 1 || u.Retries != 2 || u.Headers.Count() != 1 {
		t.Errorf("upstream: %+v", u)
	}
	if g := got.Targets[0]; g != (TargetFigures{"pool", "127.0.0.1:9001", 1, 2}) {
		t.Errorf("target: %+v", g)
	}
	if all := got.All; all.Requests != 7 || all.ClientErrors != 2 || all.Errors != 2 || all.Durations.Count() != 6 || all.Failures["no_route"] != 1 || len(all.Failures) != 5 {
		t.Errorf("all: %+v, %d durations", all, all.Durations.Count())
	}
	if n := m.Failures(); n["no_target"] != 1 || len(n) != 5 {
		t.Errorf("failures of all: %v", n)
	}
	s.Close()
	if left := sampler.Figures(); len(left.Routes) != 1 || len(left.Targets) != 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestQuantile(t *testing.T) {
	var h histogram
	var none, d Durations
	for range 98 {
		h.observe(3*time.Millisecond, new(atomic.Bool)) // in 2.5 to 5 ms
	}
	h.observe(70*time.Millisecond, new(atomic.Bool)) // in 50 to 100 ms
	h.observe(time.Hour, new(atomic.Bool))           // beyond all bounds
	d.addTo(&h)
	for q, want := range map[float64]time.Duration{
		0: 2500 * time.Microsecond, 0.49: 3750 * time.Microsecond, 0.98: 5 * time.Millisecond, 0.985: 75 * time.Millisecond, 1: time.Minute,
	} {
		if got := d.Quantile(q); (got - want).Abs() > time.Microsecond {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := none.Quantile(0.99); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	before := d
	h.observe(3*time.Millisecond, new(atomic.Bool))
	var after Durations
	after.addTo(&h)
	since := after.Sub(before)
	if since.Count() != 1 || since.Add(since).Count() != 2 {
		t.Errorf("%d since", since.Count())
	}
	since = before.Sub(after)
	if since.Count() != 0 {
		t.Errorf("below zero: %d", since.Count())
	}
}
