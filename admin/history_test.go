package admin

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/telemetry"
)

// lab is a history of metrics whose samples are taken by hand.
type lab struct {
	history
	m       *telemetry.Metrics
	figures *telemetry.Sampler
	scope   *telemetry.Scope
	clock   time.Time
}

func newLab() *lab {
	m := telemetry.NewMetrics("v1.2.3")
	return &lab{m: m, figures: m.Sampler(maxSeries), scope: m.Scope(), clock: time.Unix(1_700_000_000, 0)}
}

// serve lets a route end n requests.
func (l *lab) serve(route string, n, status int, took time.Duration) {
	r := l.scope.Route(route)
	for range n {
		r.Observe(&exchange.Facts{Status: status, Duration: took})
	}
}

func (l *lab) tick() {
	l.clock = l.clock.Add(2 * time.Second)
	l.sample(l.clock, l.figures.Figures(), gauges{})
}

func wantPoint(t *testing.T, what string, got point, requests, errors, p50 float64) {
	t.Helper()
	if float64(got.requests) != requests || float64(got.errors) != errors || float64(got.p50)-p50 > 0.001 || p50-float64(got.p50) > 0.001 {
		t.Errorf("%s: %+v, want %v requests, %v errors, median %v", what, got, requests, errors, p50)
	}
}

func TestHistory(t *testing.T) {
	l := newLab()
	l.serve("a", 1000, 200, time.Hour) // before all samples
	l.tick()
	if _, ok := l.routes.series["a"].now(); ok {
		t.Error("rates from one sample")
	}
	l.serve("a", 20, 200, 3*time.Millisecond)
	l.serve("a", 4, 503, 3*time.Millisecond)
	l.serve("new", 6, 404, 3*time.Millisecond)
	l.tick()
	wantPoint(t, "a", l.routes.series["a"].points[0], 12, 2, 3.75)
	wantPoint(t, "new, since it was there", l.routes.series["new"].points[0], 3, 0, 3.75)
	wantPoint(t, "all", l.all.points[0], 15, 2, 3.75)
	l.tick()
	quiet := l.routes.series["a"].points[1]
	if quiet.requests != 0 || quiet.p99 == quiet.p99 {
		t.Errorf("nothing asked: %+v", quiet)
	}
	p, ok := l.routes.series["a"].now()
	if !ok || p.requests != 6 || p.errors != 1 {
		t.Errorf("over both: %+v", p)
	}
	if got := l.routes.series["a"].total().requests; got != 1024 {
		t.Errorf("%d in total", got)
	}
}

// TestHistoryOfWhatIsGone: a reload takes away counters, and may bring them back at zero.
func TestHistoryOfWhatIsGone(t *testing.T) {
	l := newLab()
	l.serve("a", 10, 200, time.Millisecond)
	l.tick()
	l.serve("a", 10, 200, time.Millisecond)
	l.tick()
	l.scope.Close()
	l.scope = l.m.Scope()
	l.tick()
	if len(l.routes.series) != 0 {
		t.Error("the series of a route that is gone is kept")
	}
	wantPoint(t, "all, while a route goes", l.all.points[1], 0, 0, math.NaN())
	l.serve("a", 4, 200, time.Millisecond)
	l.tick()
	wantPoint(t, "a again", l.routes.series["a"].points[0], 2, 0, 0.75)
	wantPoint(t, "all", l.all.points[2], 2, 0, 0.75)
	l.scope.Close()
	l.scope = l.m.Scope()
	l.serve("a", 1, 200, time.Millisecond) // anew, between two samples
	l.tick()
	if p := l.routes.series["a"].points[1]; p.requests == p.requests {
		t.Errorf("a counter that began anew: %+v", p)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	l := newLab()
	for i := range maxSeries + 50 {
		l.serve(fmt.Sprintf("r%03d", i), i+1, 200, time.Millisecond)
	}
	l.tick()
	if n := len(l.routes.series); n != maxSeries {
		t.Errorf("%d series", n)
	}
	if l.routes.series["r049"] != nil || l.routes.series["r050"] == nil {
		t.Error("not the busiest are kept")
	}
	for range 2 * samplesKept {
		l.tick()
	}
	if s := l.routes.series["r050"]; len(s.points) != samplesKept || cap(s.points) > 2*samplesKept || len(s.marks) != recentSamples+1 || len(l.times) != samplesKept {
		t.Errorf("%d points, %d marks, %d times", len(s.points), len(s.marks), len(l.times))
	}
}

func TestFiguresAsJSON(t *testing.T) {
	got, err := json.Marshal([]figure{0, 1, 0.12345, 1e6, none})
	if err != nil || string(got) != "[0,1,0.123,1000000,null]" {
		t.Errorf("%s, %v", got, err)
	}
}
