package telemetry

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	pb "google.golang.org/protobuf/proto"

	"github.com/sluiceproxy/sluice/config"
)

// spanReceiver is an OTLP/HTTP receiver. answer, if not nil, says what becomes of the
// n-th batch, from 1; what it answers other than 200 is not kept.
type spanReceiver struct {
	t      *testing.T
	url    string
	answer func(n int, w http.ResponseWriter, r *http.Request) int

	mu    sync.Mutex
	asked int
	times []time.Time
	spans []*tracepb.Span
	last  *tracepb.ResourceSpans
}

func receiveSpans(t *testing.T) *spanReceiver {
	r := &spanReceiver{t: t}
	s := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(s.Close)
	r.url = s.URL + "/v1/traces"
	return r
}

func (r *spanReceiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender has given up
	}
	if req.Method != "POST" || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		r.t.Errorf("%s %s of %q", req.Method, req.URL, req.Header)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	r.times = append(r.times, time.Now())
	if r.answer != nil {
		if status := r.answer(r.asked, w, req); status != 200 {
			w.WriteHeader(status)
			return
		}
	}
	var data tracepb.TracesData
	if err := pb.Unmarshal(body, &data); err != nil {
		r.t.Errorf("batch: %v", err)
	}
	for _, resource := range data.ResourceSpans {
		r.last = resource
		for _, scope := range resource.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
}

// state returns how many batches were sent and how many spans taken.
func (r *spanReceiver) state() (asked, spans int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked, len(r.spans)
}

// told keeps what is told of a tracer.
type told struct {
	mu  sync.Mutex
	all []TraceEvent
}

func (l *told) tell(e TraceEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

func (l *told) events() []TraceEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]TraceEvent(nil), l.all...)
}

// recordSome records requests of one span each.
func recordSome(t testing.TB, tracer *Tracer, n int) {
	x, _ := begun(t, tracer, "GET / HTTP/1.1\nHost: a"+traceparent+"1")
	for range n {
		tracer.Record(&Served{X: x})
	}
}

// TestSpansWaitForTheReceiver: it is away, then refuses for a time; nothing is lost,
// and it is told once.
func TestSpansWaitForTheReceiver(t *testing.T) {
	r := receiveSpans(t)
	r.answer = func(n int, w http.ResponseWriter, _ *http.Request) int {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "1")
			return 429
		case 2:
			return 503
		}
		return 200
	}
	m, log := NewMetrics(""), &told{}
	tracer := openTracer(t, config.Tracing{Endpoint: r.url}, m, log.tell)
	recordSome(t, tracer, maxBatch+10)
	eventually(t, "all spans", func() bool { return m.traces.sent.Load() == maxBatch+10 })
	eventually(t, "told that it works", func() bool { return len(log.events()) == 2 })
	all := log.events()
	if all[0].Err == nil || !strings.Contains(all[0].Err.Error(), "429") || all[1] != (TraceEvent{}) {
		t.Errorf("told %+v", all)
	}
	if _, n := r.state(); n != maxBatch+10 || m.traces.lost() != 0 || m.traces.trouble.Load() {
		t.Errorf("%d spans have come, %d are lost", n, m.traces.lost())
	}
	if waited := r.times[1].Sub(r.times[0]); waited < time.Second {
		t.Errorf("asked again after %s, and not as Retry-After says", waited)
	}
}

// TestSpansThatAreNotWanted are counted and told of.
func TestSpansThatAreNotWanted(t *testing.T) {
	r := receiveSpans(t)
	r.answer = func(n int, w http.ResponseWriter, _ *http.Request) int {
		switch n {
		case 1:
			return 400
		case 2:
			// A partial success: 3 rejected, and why; and a field that is not known.
			_, _ = io.WriteString(w, "\x0a\x09\x08\x03\x12\x03bad\x18\x01\x2a\x01x")
		case 3:
			_, _ = io.WriteString(w, "\x0a\x7f\x08")
		case 4:
			w.Header().Set("Location", r.url)
			return 307
		}
		return 200
	}
	m, log := NewMetrics(""), &told{}
	tracer := openTracer(t, config.Tracing{Endpoint: r.url}, m, log.tell)
	recordSome(t, tracer, 4*maxBatch)
	if err := closeTracer(t, tracer); err == nil {
		t.Error("closed as if nothing were lost")
	}
	if c := &m.traces; c.sent.Load() != 2*maxBatch-3 || c.rejected.Load() != 3 || c.failed.Load() != 2*maxBatch {
		t.Errorf("sent %d, rejected %d, failed %d", c.sent.Load(), c.rejected.Load(), c.failed.Load())
	}
	if all := log.events(); len(all) == 0 || !strings.Contains(all[0].Err.Error(), "400") {
		t.Errorf("told %+v", all)
	}
	if scrape := text(t, m); !strings.Contains(scrape, `sluice_trace_spans_dropped_total{cause="rejected"} 3`+"\n") {
		t.Errorf("metrics lack what was rejected: %s", scrape)
	}
}

// TestSpansAreGivenUp: a batch that is refused for too long does not keep the others
// waiting.
func TestSpansAreGivenUp(t *testing.T) {
	r := receiveSpans(t)
	r.answer = func(n int, _ http.ResponseWriter, _ *http.Request) int {
		if n < 3 {
			return 503
		}
		return 200
	}
	m, log := NewMetrics(""), &told{}
	def := config.Tracing{Endpoint: r.url}
	tracer := &Tracer{def: def, export: newExporter(&def, TracerOptions{Metrics: m, Tell: log.tell})}
	tracer.export.maxAge = time.Nanosecond
	recordSome(t, tracer, maxBatch+1) // the batch that is given up, and what is behind it
	go tracer.export.run()
	eventually(t, "the first batch is given up", func() bool { return m.traces.failed.Load() >= maxBatch })
	recordSome(t, tracer, 2*maxBatch)
	eventually(t, "spans are taken again", func() bool { return m.traces.sent.Load() > 0 })
	_ = closeTracer(t, tracer)
	if c := &m.traces; c.sent.Load()+c.failed.Load() != 3*maxBatch+1 || c.failed.Load() > 2*maxBatch {
		t.Errorf("sent %d, failed %d", c.sent.Load(), c.failed.Load())
	}
}

// TestPartialSuccess reads answers that are not what they should be.
func TestPartialSuccess(t *testing.T) {
	for _, c := range []struct {
		answer   string
		rejected uint64
		message  string
	}{
		{"", 0, ""}, {"\x0a\x00", 0, ""}, {"\x0a\x02\x08\x05", 5, ""}, {"\x0a\x04\x12\x02no", 0, "no"},
		{"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0, ""}, // -1
		{"\x0a\x02\x08", 0, ""}, {"{}", 0, ""}, {"\x12\x02\x08\x05", 0, ""}, {"\x0a\x02\x09\x05", 0, ""},
	} {
		if n, message := partialSuccess([]byte(c.answer)); n != c.rejected || message != c.message {
			t.Errorf("%q: %d, %q", c.answer, n, message)
		}
	}
}

// overload records until there is no room, and returns how many spans that took.
func overload(t testing.TB, tracer *Tracer) (n int) {
	for lost := &tracer.export.counters.behind; lost.Load() < 10; n += 10 {
		recordSome(t, tracer, 10)
	}
	if n < maxWaiting {
		t.Errorf("there was room for %d spans only", n)
	}
	return n
}

// TestSpansThatNobodyTakes: a receiver that hangs costs spans, which are counted and
// told of once, and never holds up who records; it is left behind at the end.
func TestSpansThatNobodyTakes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, log := NewMetrics(""), &told{}
	tracer := openTracer(t, config.Tracing{Endpoint: "http://" + l.Addr().String() + "/v1/traces"}, m, log.tell)
	n := overload(t, tracer)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := tracer.Close(ctx); err == nil || !strings.Contains(err.Error(), "spans are lost") {
		t.Errorf("closed with %v", err)
	}
	recordSome(t, tracer, 1)
	if c := &m.traces; c.lost() != uint64(n)+1 || c.sent.Load() != 0 {
		t.Errorf("lost %d, sent %d", c.lost(), c.sent.Load())
	}
	if all := log.events(); len(all) != 1 {
		t.Errorf("told %+v", all)
	}
	if err := closeTracer(t, tracer); err != nil {
		t.Errorf("closed again with %v", err)
	}
}

// TestTraceOverload: a receiver that is slow, and then catches up.
func TestTraceOverload(t *testing.T) {
	r := receiveSpans(t)
	slow := make(chan struct{})
	r.answer = func(n int, _ http.ResponseWriter, _ *http.Request) int {
		if n == 1 {
			<-slow
		}
		return 200
	}
	m, log := NewMetrics(""), &told{}
	tracer := openTracer(t, config.Tracing{Endpoint: r.url}, m, log.tell)
	overload(t, tracer)
	close(slow)
	eventually(t, "told that it works", func() bool { return len(log.events()) == 2 })
	all := log.events()
	if all[0].Err != errTracesBehind || all[1].Err != nil || all[1].Lost != m.traces.behind.Load() {
		t.Errorf("told %+v, lost %d", all, m.traces.behind.Load())
	}
}
