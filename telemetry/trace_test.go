package telemetry

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	pb "google.golang.org/protobuf/proto"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// openTracer opens a tracer that soon takes trouble for over. It is ended with the
// test.
func openTracer(t *testing.T, def config.Tracing, m *Metrics, tell func(TraceEvent)) *Tracer {
	t.Helper()
	def.ServiceName = "edge"
	endpoint := def.Endpoint
	def.Endpoint = ""
	tracer := OpenTracer(&def, TracerOptions{})
	if endpoint != "" {
		tracer.def.Endpoint = endpoint
		tracer.export = newExporter(&tracer.def, TracerOptions{Metrics: m, Tell: tell, Version: "v1"})
		tracer.export.quiet = 10 * time.Millisecond
		go tracer.export.run()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = tracer.Close(ctx)
	})
	return tracer
}

func closeTracer(t *testing.T, tracer *Tracer) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return tracer.Close(ctx)
}

// begun returns an exchange that the tracer has made part of a trace.
func begun(t testing.TB, tracer *Tracer, head string) (*exchange.Exchange, [8]byte) {
	x := received(t, head)
	x.Trace = wire.TraceContext{}
	parent, _ := tracer.Begin(x)
	return x, parent
}

const traceparent = "\nTraceparent: 00-12345678901234567890123456789012-1234567890123456-0"

// TestSampling: traces that begin here are sampled by the ratio, all others as their
// parent is.
func TestSampling(t *testing.T) {
	for _, ratio := range []float64{0, 0.25, 1} {
		tracer := openTracer(t, config.Tracing{Sample: ratio}, nil, nil)
		const n = 20_000
		sampled, ids := 0, make(map[[16]byte]bool)
		for range n {
			x := &exchange.Exchange{Head: new(wire.Head)}
			if parent, _ := tracer.Begin(x); parent != [8]byte{} || !x.Trace.Valid() || x.Trace.Span == [8]byte{} || x.Forwarding.Trace != x.Trace {
				t.Fatalf("begun %+v, parent %x", x.Trace, parent)
			}
			ids[x.Trace.ID] = true
			if x.Trace.Sampled() {
				sampled++
			}
		}
		// Six standard deviations.
		if off := math.Abs(float64(sampled) - n*ratio); off > 6*math.Sqrt(n*ratio*(1-ratio)) {
			t.Errorf("ratio %v: %d of %d", ratio, sampled, n)
		}
		if len(ids) != n {
			t.Errorf("%d ids of %d requests", len(ids), n)
		}
		for digit, want := range map[string]bool{"0": false, "1": true} {
			x, parent := begun(t, tracer, "GET / HTTP/1.1\nHost: a"+traceparent+digit)
			if x.Trace.Sampled() != want || x.Trace.ID[0] != 0x12 || parent != [8]byte{0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56} {
				t.Errorf("ratio %v, parent %s: %+v, parent %x", ratio, digit, x.Trace, parent)
			}
		}
	}
}

// TestParents: which traceparent is taken up, and what targets are told.
func TestParents(t *testing.T) {
	r := receiveSpans(t)
	for _, c := range []struct {
		name, parent, fields string
		trusted, taken       bool
		state                bool
	}{
		{"any client", "any", traceparent + "0\nTracestate: a=1", false, true, true},
		{"any client, trusted", "any", traceparent + "0", true, true, true},
		{"trusted", "trusted", traceparent + "0\nTracestate: a=1", true, true, true},
		{"not trusted", "trusted", traceparent + "0\nTracestate: a=1", false, false, false},
		{"bad", "any", traceparent + "x\nTracestate: a=1", false, false, false},
		{"bad state", "any", traceparent + "0\nTracestate: a", false, true, false},
		{"state alone", "any", "\nTracestate: a=1", false, false, false},
	} {
		for _, endpoint := range []string{"", r.url} {
			tracer := openTracer(t, config.Tracing{Endpoint: endpoint, Parent: c.parent}, NewMetrics(""), nil)
			x := received(t, "GET / HTTP/1.1\nHost: a"+c.fields)
			x.Forwarding.Trusted = c.trusted
			parent, spans := tracer.Begin(x)
			taken := x.Trace.ID[0] == 0x12 && x.Trace.ID[15] == 0x12
			// Without a receiver there is no span of ours that targets could be told of.
			if taken != c.taken || (parent != [8]byte{}) != taken || spans != (endpoint != "") ||
				taken && (x.Trace.Span == parent) != (endpoint == "") || x.Forwarding.TraceState != c.state {
				t.Errorf("%s, endpoint %q: %+v, parent %x, spans %v, state %v", c.name, endpoint, x.Trace, parent, spans, x.Forwarding.TraceState)
			}
		}
	}
}

func TestTracerIs(t *testing.T) {
	def := config.Tracing{Sample: 0.5, Headers: map[string]string{"A": "1"}}
	tracer := OpenTracer(&def, TracerOptions{})
	same, other := def, def
	same.Headers = map[string]string{"A": "1"}
	other.Headers = map[string]string{"A": "2"}
	if !tracer.Is(&same) || tracer.Is(&other) {
		t.Error("another definition is the same, or the same another")
	}
}

// attributesOf returns attributes as text.
func attributesOf(list []*commonpb.KeyValue) map[string]string {
	all := make(map[string]string)
	for _, a := range list {
		all[a.Key] = a.Value.GetStringValue()
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_IntValue:
			all[a.Key] = "#" + strconv.FormatInt(v.IntValue, 10)
		case *commonpb.AnyValue_BoolValue:
			all[a.Key] = "yes"
		}
	}
	return all
}

// TestSpans: what a receiver is told of a request that was sent twice.
func TestSpans(t *testing.T) {
	r := receiveSpans(t)
	r.answer = func(_ int, _ http.ResponseWriter, req *http.Request) int {
		if req.Header.Get("X-Scope") != "tenant" {
			t.Errorf("fields %v", req.Header)
		}
		return 200
	}
	m := NewMetrics("")
	tracer := openTracer(t, config.Tracing{
		Endpoint: r.url, Headers: map[string]string{"x-scope": "tenant"}, Query: true, Redact: []string{"token"},
	}, m, nil)
	x, parent := begun(t, tracer, "PURGE /a\xff/b?token=1&sig=2&c=3 HTTP/1.1\nHost: api.example.com:8080\nUser-Agent: \xe9"+traceparent+"1\nTracestate: a=1\ntracestate: b=2")
	x.Target, x.Forwarding.Proto = []byte("/b?token=1"), "http"
	x.Status, x.Reason, x.Route, x.Upstream = 502, exchange.UpstreamClosed, "api", "u"
	x.Duration = 30 * time.Millisecond
	at := x.Start.Add(time.Millisecond)
	tracer.Record(&Served{X: x, Parent: parent, Pattern: "/a/*", Client: []byte("10.0.0.1"), Attempts: []Attempt{
		{Span: [8]byte{1}, Start: at, End: at.Add(2 * time.Millisecond), Target: "app.test:81", Status: 503, Reused: true},
		{Span: [8]byte{2}, Start: at, End: at, Target: "unix:/run/a.sock", Reason: exchange.UpstreamClosed},
	}})
	if err := closeTracer(t, tracer); err != nil {
		t.Fatal(err)
	}
	if _, n := r.state(); n != 3 || m.traces.sent.Load() != 3 {
		t.Fatalf("%d spans", n)
	}
	same := func(what string, got, want map[string]string) {
		t.Helper()
		for k := range want {
			if got[k] != want[k] {
				t.Errorf("%s: %s is %q, want %q", what, k, got[k], want[k])
			}
		}
		for k := range got {
			if _, ok := want[k]; !ok {
				t.Errorf("%s: %s is %q", what, k, got[k])
			}
		}
	}
	resource := attributesOf(r.last.Resource.Attributes)
	delete(resource, "host.name")
	delete(resource, "process.pid")
	same("resource", resource, map[string]string{"service.name": "edge", "service.version": "v1"})
	server, first, second := r.spans[0], r.spans[1], r.spans[2]
	for i, s := range r.spans {
		if string(s.TraceId) != string(x.Trace.ID[:]) || s.TraceState != "a=1,b=2" || s.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR ||
			s.StartTimeUnixNano < uint64(x.Start.UnixNano()) {
			t.Errorf("span %d: %v", i, s)
		}
	}
	if server.Name != "HTTP /a/*" || server.Kind != tracepb.Span_SPAN_KIND_SERVER || string(server.ParentSpanId) != string(parent[:]) ||
		string(server.SpanId) != string(x.Trace.Span[:]) || server.Flags != 0x301 || server.EndTimeUnixNano-server.StartTimeUnixNano != 30_000_000 {
		t.Errorf("server %v", server)
	}
	same("server", attributesOf(server.Attributes), map[string]string{
		"http.request.method": "_OTHER", "http.request.method_original": "PURGE", "url.scheme": "http", "url.path": "/a\uFFFD/b",
		"url.query": "token=REDACTED&sig=REDACTED&c=3", "http.route": "/a/*", "server.address": "api.example.com", "server.port": "#8080",
		"network.protocol.version": "1.1", "network.peer.address": "192.0.2.7", "client.address": "10.0.0.1", "user_agent.original": "\uFFFD",
		"http.request.body.size": "#12", "http.response.body.size": "#3456", "http.response.status_code": "#502", "error.type": "upstream_closed",
		"sluice.route": "api", "sluice.upstream": "u", "sluice.reason": "upstream_closed",
	})
	if first.Name != "HTTP" || first.Kind != tracepb.Span_SPAN_KIND_CLIENT || string(first.ParentSpanId) != string(server.SpanId) ||
		first.SpanId[0] != 1 || first.Flags != 0x101 || first.EndTimeUnixNano-first.StartTimeUnixNano != 2_000_000 {
		t.Errorf("first %v", first)
	}
	same("first", attributesOf(first.Attributes), map[string]string{
		"http.request.method": "_OTHER", "http.request.method_original": "PURGE", "url.full": "http://app.test:81/b?token=REDACTED",
		"server.address": "app.test", "server.port": "#81", "network.protocol.version": "1.1", "http.response.status_code": "#503",
		"error.type": "503", "sluice.upstream": "u", "sluice.target": "app.test:81", "sluice.connection.reused": "yes",
	})
	same("second", attributesOf(second.Attributes), map[string]string{
		"http.request.method": "_OTHER", "http.request.method_original": "PURGE", "url.full": "http://localhost/b?token=REDACTED",
		"server.address": "/run/a.sock", "network.protocol.version": "1.1", "http.request.resend_count": "#1",
		"error.type": "upstream_closed", "sluice.upstream": "u", "sluice.target": "unix:/run/a.sock", "sluice.reason": "upstream_closed",
	})
}

// TestSpansAreBounded: whatever a client sends, a record stays small and encodes.
func TestSpansAreBounded(t *testing.T) {
	r := receiveSpans(t)
	m := NewMetrics("")
	tracer := openTracer(t, config.Tracing{Endpoint: r.url, Query: true}, m, func(e TraceEvent) { t.Errorf("told %+v", e) })
	long := strings.Repeat("\xe2\x82", 8<<10)
	x, _ := begun(t, tracer, "GET / HTTP/1.1\nHost: a"+traceparent+"1\nUser-Agent: "+long+"\nTracestate: "+strings.Repeat("a="+strings.Repeat("x", 200)+",", 10))
	x.Head.Method, x.Head.Host, x.Head.Origin = []byte(long), []byte(long), []byte("/"+long+"?sig="+long+"&"+long)
	x.Target = x.Head.Origin
	tracer.Record(&Served{X: x, Client: []byte(long), Attempts: make([]Attempt, 1)})
	if err := closeTracer(t, tracer); err != nil {
		t.Fatal(err)
	}
	if len(r.spans) != 2 || r.spans[0].TraceState != "" || pb.Size(r.last) > 32<<10 {
		t.Errorf("%d spans of %d bytes", len(r.spans), pb.Size(r.last))
	}
}

func TestBeginDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	tracer := openTracer(t, config.Tracing{Sample: 0.01}, nil, nil)
	for _, fields := range []string{"", traceparent + "0\nTracestate: a=1"} {
		x := received(t, "GET / HTTP/1.1\nHost: a"+fields)
		if n := testing.AllocsPerRun(1000, func() { tracer.Begin(x) }); n != 0 {
			t.Errorf("%v allocations with %q", n, fields)
		}
	}
}

func BenchmarkTracer(b *testing.B) {
	tracer := OpenTracer(&config.Tracing{Sample: 0.1}, TracerOptions{})
	for name, fields := range map[string]string{"begin": "", "parent": traceparent + "0"} {
		x := received(b, "GET / HTTP/1.1\nHost: a\nUser-Agent: b\nAccept: */*"+fields)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				tracer.Begin(x)
			}
		})
	}
	e := newExporter(&config.Tracing{Endpoint: "http://127.0.0.1:1/x"}, TracerOptions{Metrics: NewMetrics("")})
	tracer.export = e
	x := received(b, "GET /users?a=b HTTP/1.1\nHost: a\nUser-Agent: b\nAccept: */*"+traceparent+"1")
	x.Target = x.Head.Origin
	served := &Served{X: x, Client: []byte("192.0.2.1"), Pattern: "/*", Attempts: make([]Attempt, 1)}
	b.Run("record", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tracer.Record(served)
			(<-e.queue).release()
		}
	})
	b.Run("spans", func(b *testing.B) { // what the exporter's goroutine does
		b.ReportAllocs()
		var spans []*tracepb.Span
		r := traced.Get().(*tracedRecord)
		r.fill(served, tracer)
		for b.Loop() {
			spans = e.source.appendSpans(spans[:0], r)
			if _, err := pb.Marshal(e.source.message(spans)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
