package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sluiceproxy/sluice/exchange"
)

// scrape returns the series of Sluice's own as name{labels} -> value.
func scrape(t testing.TB, m *Metrics) map[string]string {
	t.Helper()
	series := make(map[string]string)
	for line := range strings.Lines(text(t, m)) {
		if !strings.HasPrefix(line, "sluice_") {
			continue
		}
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		series[line[:at]] = line[at+1:]
	}
	return series
}

func text(t testing.TB, m *Metrics) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// want checks series by pairs of name{labels} and value; "" means not there.
func want(t *testing.T, got map[string]string, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got[pairs[i]] != pairs[i+1] {
			t.Errorf("%s is %q, want %q", pairs[i], got[pairs[i]], pairs[i+1])
		}
	}
}

// exercised returns metrics in which every definition has a series.
func exercised() *Metrics {
	m := NewMetrics("v1.2.3")
	s := m.Scope()
	m.sink("stdout", new(heldSinks))
	f := exchange.Facts{
		Status: 502, Attempts: 3, Reason: exchange.ConnectFailed, BytesIn: 10, BytesOut: 20,
		Duration: 3 * time.Millisecond, HeaderTime: 200 * time.Microsecond,
	}
	s.Route("api").ObserveWith(s.Upstream("pool"), &f)
	f.Reason = exchange.ConcurrencyFull
	s.Upstream("full").Observe(&f)
	target := s.Target("pool", "127.0.0.1:9001")
	target.Attempted(exchange.OK, true)
	target.Attempted(exchange.UpstreamClosed, false)
	target.Connected(true)
	target.Connected(false)
	target.Stale()
	m.Reloaded(ReloadApplied, time.UnixMilli(1_700_000_000_500))
	m.Reloaded(ReloadRefused, time.UnixMilli(1_700_000_001_000))
	for _, d := range []*Definition{InFlight, Tunnels, ClientConnections, ClientParked, Generation} {
		m.Gauge(d, func() float64 { return 7 })
	}
	m.Collect(func(emit Emit) {
		emit(ClientRoom, 9)
		emit(AcceptHeld, 1)
		emit(LogDropped, 0)
		emit(TargetConnections, 4, "pool", "127.0.0.1:9001", "idle")
		emit(TargetInFlight, 2, "pool", "127.0.0.1:9001")
		emit(TargetLatency, 0.002, "pool", "127.0.0.1:9001")
		emit(TargetUsable, 1, "pool", "127.0.0.1:9001")
		emit(TargetDrained, 0, "pool", "127.0.0.1:9001")
		emit(TargetState, 1, "pool", "127.0.0.1:9001", "up")
		emit(TargetChanges, 3, "pool", "127.0.0.1:9001", "up")
		emit(UpstreamFailingOpen, 0, "pool")
		emit(UpstreamInFlight, 1, "pool")
		emit(UpstreamWaiting, 2, "pool")
		emit(UpstreamLimit, 3, "pool")
	})
	return m
}

func TestExposition(t *testing.T) {
	want(t, scrape(t, exercised()),
		`sluice_requests_total{class="5xx",route="api"}`, "1",
		`sluice_requests_total{class="2xx",route="api"}`, "0",
		`sluice_request_duration_seconds_bucket{route="api",le="0.0025"}`, "0",
		`sluice_request_duration_seconds_bucket{route="api",le="0.005"}`, "1",
		`sluice_request_duration_seconds_bucket{route="api",le="+Inf"}`, "1",
		`sluice_request_duration_seconds_sum{route="api"}`, "0.003",
		`sluice_request_duration_seconds_count{route="api"}`, "1",
		`sluice_request_body_bytes_total{route="api"}`, "10",
		`sluice_response_body_bytes_total{route="api"}`, "20",
		`sluice_failures_total{reason="connect_failed",route="api"}`, "1",
		`sluice_upstream_requests_total{upstream="pool"}`, "1",
		`sluice_upstream_retries_total{upstream="pool"}`, "2",
		`sluice_upstream_refused_total{reason="concurrency_full",upstream="full"}`, "1",
		`sluice_upstream_header_seconds_bucket{upstream="pool",le="0.00025"}`, "1",
		`sluice_target_requests_total{result="ok",target="127.0.0.1:9001",upstream="pool"}`, "1",
		`sluice_target_requests_total{result="upstream_closed",target="127.0.0.1:9001",upstream="pool"}`, "1",
		`sluice_target_connects_total{result="ok",target="127.0.0.1:9001",upstream="pool"}`, "1",
		`sluice_target_connects_total{result="failed",target="127.0.0.1:9001",upstream="pool"}`, "1",
		`sluice_target_reuses_total{target="127.0.0.1:9001",upstream="pool"}`, "1",
		`sluice_target_stale_connections_total{target="127.0.0.1:9001",upstream="pool"}`, "1",
		`sluice_target_connections{state="idle",target="127.0.0.1:9001",upstream="pool"}`, "4",
		`sluice_in_flight_requests`, "7",
		`sluice_reloads_total{result="applied"}`, "1",
		`sluice_reloads_total{result="refused"}`, "1",
		`sluice_reload_last_ok`, "0",
		`sluice_reload_last_success_timestamp_seconds`, "1.7000000005e+09",
	)
}

func TestExpositionIsCleanAndComplete(t *testing.T) {
	out := text(t, exercised())
	problems, err := promlint.New(strings.NewReader(out)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, d := range Definitions() {
		if !strings.Contains(out, fmt.Sprintf("# TYPE %s %s\n", d.Name, d.Kind)) {
			t.Errorf("%s %s was exercised and is not there", d.Kind, d.Name)
		}
	}
	for _, name := range []string{"go_goroutines ", "process_start_time_seconds "} {
		if !strings.Contains(out, "\n"+name) {
			t.Errorf("%sis not there", name)
		}
	}
	// What is sent and not in the list would be there under a name unknown to it.
	known := make(map[string]bool)
	for _, d := range Definitions() {
		known[d.Name] = true
	}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if f[0] == "#" && strings.HasPrefix(f[2], "sluice_") && !known[f[2]] {
			t.Errorf("%s is not in Definitions", f[2])
		}
	}
}

func TestClasses(t *testing.T) {
	m := NewMetrics("")
	for _, status := range []int{0, 99, 600, -1, 101, 200, 299, 304, 404, 599} {
		m.Unmatched().Observe(&exchange.Facts{Status: status})
	}
	want(t, scrape(t, m),
		`sluice_requests_total{class="none",route=""}`, "4",
		`sluice_requests_total{class="1xx",route=""}`, "1",
		`sluice_requests_total{class="2xx",route=""}`, "2",
		`sluice_requests_total{class="3xx",route=""}`, "1",
		`sluice_requests_total{class="4xx",route=""}`, "1",
		`sluice_requests_total{class="5xx",route=""}`, "1",
	)
}

func TestTunnelsHaveNoLatency(t *testing.T) {
	m := NewMetrics("")
	m.Unmatched().Observe(&exchange.Facts{Status: 101, Upgraded: true, Duration: time.Hour, BytesIn: 5})
	want(t, scrape(t, m),
		`sluice_requests_total{class="1xx",route=""}`, "1",
		`sluice_request_body_bytes_total{route=""}`, "5",
		`sluice_request_duration_seconds_count{route=""}`, "0",
	)
}

func TestUnusedRoutesHaveNoSeries(t *testing.T) {
	m := NewMetrics("")
	s := m.Scope()
	defer s.Close()
	s.Route("never-asked")
	if strings.Contains(text(t, m), "never-asked") {
		t.Error("a route never asked for has series")
	}
}

func TestScopesShareAndRelease(t *testing.T) {
	m := NewMetrics("")
	const series = `sluice_requests_total{class="2xx",route="a"}`
	ok := &exchange.Facts{Status: 200}

	first := m.Scope()
	first.Route("a").Observe(ok)
	first.Route("a").Observe(ok)
	first.Target("u", "t").Attempted(exchange.OK, true)

	// A candidate that is refused takes nothing away.
	refused := m.Scope()
	refused.Route("a")
	refused.Close()
	refused.Close()
	want(t, scrape(t, m), series, "2")

	second := m.Scope()
	second.Route("a").Observe(ok)
	first.Close()
	got := scrape(t, m)
	want(t, got, series, "3", `sluice_target_reuses_total{target="t",upstream="u"}`, "")

	second.Close()
	want(t, scrape(t, m), series, "")
	third := m.Scope()
	third.Route("a").Observe(ok)
	want(t, scrape(t, m), series, "1")
}

func TestOddLabelValues(t *testing.T) {
	m := NewMetrics("dev\xff")
	s := m.Scope()
	s.Route("a\"b\\c\nd é").Observe(&exchange.Facts{Status: 200})
	s.Route("bad\xffutf8").Observe(&exchange.Facts{Status: 200})
	want(t, scrape(t, m),
		`sluice_requests_total{class="2xx",route="a\"b\\c\nd é"}`, "1",
		"sluice_requests_total{class=\"2xx\",route=\"bad\uFFFDutf8\"}", "1",
	)
}

func TestBadEmissionSpoilsOnlyItself(t *testing.T) {
	m := NewMetrics("")
	m.Gauge(Generation, func() float64 { return 3 })
	m.Collect(func(emit Emit) { emit(TargetUsable, 1, "one label too few") })
	var b bytes.Buffer
	if err := m.WriteText(&b); err == nil {
		t.Error("no error for an emission that does not fit")
	}
	if !strings.Contains(b.String(), "\nsluice_config_generation 3\n") {
		t.Error("the good value is missing")
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteTextReportsTheWriter(t *testing.T) {
	if err := NewMetrics("").WriteText(brokenWriter{}); !errors.Is(err, errBroken) {
		t.Errorf("error is %v", err)
	}
}

func TestCountsOfManyGoroutines(t *testing.T) {
	const goroutines, each = 16, 500
	m := NewMetrics("")
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			s := m.Scope()
			r, u, target := s.Route("r"), s.Upstream("u"), s.Target("u", "t")
			for i := range each {
				f := exchange.Facts{Status: 200, Attempts: 2, BytesIn: 1, Duration: time.Duration(i) * time.Microsecond, Reason: exchange.ClientClosed}
				r.Observe(&f)
				u.Observe(&f)
				target.Attempted(exchange.OK, true)
				target.Attempted(exchange.ConnectFailed, false)
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			scrape(t, m)
		}
	})
	wg.Wait()
	n := fmt.Sprint(goroutines * each)
	want(t, scrape(t, m),
		`sluice_requests_total{class="2xx",route="r"}`, n,
		`sluice_request_body_bytes_total{route="r"}`, n,
		`sluice_request_duration_seconds_count{route="r"}`, n,
		`sluice_failures_total{reason="client_closed",route="r"}`, n,
		`sluice_upstream_retries_total{upstream="u"}`, n,
		`sluice_target_requests_total{result="ok",target="t",upstream="u"}`, n,
		`sluice_target_requests_total{result="connect_failed",target="t",upstream="u"}`, n,
	)
}

func TestBuckets(t *testing.T) {
	naive := func(d time.Duration) int {
		for i, b := range bounds {
			if d <= b {
				return i
			}
		}
		return len(bounds)
	}
	check := func(d time.Duration) {
		if got := bucketOf(d); got != naive(d) {
			t.Errorf("bucket of %v is %d, want %d", d, got, naive(d))
		}
	}
	check(0)
	check(1<<63 - 1)
	for _, b := range bounds {
		check(b - 1)
		check(b)
		check(b + 1)
	}
	for shift := range 63 {
		check(1<<shift - 1)
		check(1 << shift)
	}
}

func TestNegativeDurationCountsAsZero(t *testing.T) {
	m := NewMetrics("")
	m.Unmatched().Observe(&exchange.Facts{Duration: -time.Second})
	want(t, scrape(t, m),
		`sluice_request_duration_seconds_bucket{route="",le="0.0001"}`, "1",
		`sluice_request_duration_seconds_sum{route=""}`, "0")
}

func TestReasonsFit(t *testing.T) {
	if n := len(exchange.Reasons()); n+1 >= reasonSlots {
		t.Fatalf("%d reasons and %d slots", n, reasonSlots)
	}
	m := NewMetrics("")
	for _, r := range exchange.Reasons() {
		m.Unmatched().Observe(&exchange.Facts{Reason: r})
	}
	got := scrape(t, m)
	for _, r := range exchange.Reasons() {
		want(t, got, fmt.Sprintf(`sluice_failures_total{reason="%s",route=""}`, r), "1")
	}
}

// noAllocs checks that f does not allocate once it has run.
func noAllocs(t *testing.T, f func()) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	f()
	if n := testing.AllocsPerRun(1000, f); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	s := NewMetrics("").Scope()
	r, u, target := s.Route("r"), s.Upstream("u"), s.Target("u", "t")
	f := &exchange.Facts{Status: 502, BytesIn: 1, BytesOut: 1, Attempts: 2, HeaderTime: 1, Duration: 1, Reason: exchange.QueueFull}
	noAllocs(t, func() {
		r.Observe(f)
		u.Observe(f)
		r.ObserveWith(u, f)
		target.Attempted(exchange.OK, true)
		target.Attempted(exchange.ConnectFailed, false)
		target.Connected(true)
		target.Connected(false)
		target.Stale()
	})
}

func BenchmarkRouteObserve(b *testing.B) {
	r := NewMetrics("").Scope().Route("r")
	f := &exchange.Facts{Status: 200, BytesIn: 1024, BytesOut: 4096, Duration: 730 * time.Microsecond}
	b.ReportAllocs()
	for b.Loop() {
		r.Observe(f)
	}
}

func BenchmarkRouteObserveParallel(b *testing.B) {
	r := NewMetrics("").Scope().Route("r")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		f := &exchange.Facts{Status: 200, BytesIn: 1024, BytesOut: 4096, Duration: 730 * time.Microsecond}
		for pb.Next() {
			r.Observe(f)
		}
	})
}

func BenchmarkScrape1000Routes(b *testing.B) {
	m := NewMetrics("")
	s := m.Scope()
	for i := range 1000 {
		s.Route(fmt.Sprint("route-", i)).Observe(&exchange.Facts{Status: 200})
	}
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := m.WriteText(&out); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(out.Len()))
}

func TestRouteTotals(t *testing.T) {
	m := NewMetrics("")
	s := m.Scope()
	defer s.Close()
	r := s.Route("a")
	s.Route("idle")
	for _, f := range []exchange.Facts{
		{Status: 200}, {Status: 404}, {Status: 500}, {Status: 502, Reason: exchange.ConnectFailed},
		{Status: 200, Reason: exchange.ResponseTruncated}, {Status: 200, Reason: exchange.UpstreamIdle},
		{Status: 200, Reason: exchange.ClientClosed}, {Reason: exchange.ClientClosed}, {Status: 413, Reason: exchange.BodyTooLong},
	} {
		r.Observe(&f)
	}
	all := m.RouteTotals()
	if len(all) != 1 || all["a"] != (Totals{Requests: 9, Failed: 4}) {
		t.Errorf("totals %v", all)
	}
	if all["a"].Share() != 4.0/9 || all["idle"].Share() != 0 {
		t.Errorf("shares %v and %v", all["a"].Share(), all["idle"].Share())
	}
}
