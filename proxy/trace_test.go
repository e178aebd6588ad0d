package proxy_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/telemetry"
)

// spanBed is a bed whose spans go to a receiver.
type spanBed struct {
	*bed
	mu    sync.Mutex
	spans []*tracepb.Span
}

// traced makes a bed trace; every trace that begins there is recorded.
func (b *bed) traced() *spanBed {
	b.t.Helper()
	s := &spanBed{bed: b}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var data tracepb.TracesData
		if err == nil {
			err = protobuf.Unmarshal(body, &data)
		}
		if err != nil {
			b.t.Errorf("receiver: %v", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, resource := range data.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				s.spans = append(s.spans, scope.Spans...)
			}
		}
	}))
	b.t.Cleanup(receiver.Close)
	def := &config.Tracing{Endpoint: receiver.URL, ServiceName: "edge", Sample: 1, Query: true}
	tracer := telemetry.OpenTracer(def, telemetry.TracerOptions{
		Metrics: b.metrics, Tell: func(e telemetry.TraceEvent) { b.t.Errorf("told %+v", e) },
	})
	b.proxy.SetTracer(tracer)
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		_ = tracer.Close(ctx)
	})
	return s
}

// wait waits until there are n spans.
func (s *spanBed) wait(n int) []*tracepb.Span {
	s.t.Helper()
	within(s.t, fmt.Sprintf("%d spans", n), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.spans) >= n
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spans) != n {
		s.t.Fatalf("%d spans, want %d: %v", len(s.spans), n, s.spans)
	}
	return s.spans
}

// brief tells a span in a line: its kind, name and the attributes asked for.
func brief(span *tracepb.Span, keys ...string) string {
	out := strings.ToLower(strings.TrimPrefix(span.Kind.String(), "SPAN_KIND_")) + " " + span.Name
	for _, key := range keys {
		for _, a := range span.Attributes {
			if a.Key == key {
				value := a.Value.GetStringValue()
				if value == "" {
					value = fmt.Sprint(a.Value.GetIntValue())
				}
				out += fmt.Sprintf(" %s=%s", key, value)
			}
		}
	}
	if span.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		out += " failed"
	}
	return out
}

const (
	statusKey = "http.response.status_code"
	errorKey  = "error.type"
	resendKey = "http.request.resend_count"
)

// checkSpans compares spans with what brief says of them, and sees that they hang
// together.
func checkSpans(t testing.TB, spans []*tracepb.Span, want ...string) {
	t.Helper()
	for i, span := range spans {
		if got := brief(span, statusKey, errorKey, resendKey); got != want[i] {
			t.Errorf("span %d is %s, want %s", i, got, want[i])
		}
		if string(span.TraceId) != string(spans[0].TraceId) || i > 0 && string(span.ParentSpanId) != string(spans[0].SpanId) {
			t.Errorf("span %d is elsewhere: %v", i, span)
		}
		if span.StartTimeUnixNano < spans[0].StartTimeUnixNano || span.EndTimeUnixNano > spans[0].EndTimeUnixNano || span.EndTimeUnixNano < span.StartTimeUnixNano {
			t.Errorf("span %d has another time: %v", i, span)
		}
	}
}

// mirror is an origin that answers with the head that it was sent.
func mirror(t testing.TB) string {
	return origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			head, err := readHead(br)
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(head), head)
		}
	})
}

const (
	oldTrace  = "12345678901234567890123456789012"
	oldParent = "1234567890123456"
)

var traceLine = regexp.MustCompile(`(?mi)^traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-(0[0-3])\r$`)

// TestTraceFields: what targets are told of the trace.
func TestTraceFields(t *testing.T) {
	addr := mirror(t)
	text := replace(`{ LISTEN, "upstreams": { "u": { "targets": [ { "address": "ADDR" } ] } },
		"middlewares": { "add": { "type": "request_headers", "set": { "X-In": "1" } }, "del": { "type": "request_headers", "remove": ["traceparent", "tracestate"] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" }, { "name": "add", "path": "/add", "middlewares": ["add"], "upstream": "u" },
			{ "name": "del", "path": "/del", "middlewares": ["del"], "upstream": "u" } ] }`, "ADDR", addr)
	const parent = "traceparent: 00-" + oldTrace + "-" + oldParent + "-01\r\n"
	cases := []struct {
		name, path, fields string
		taken              bool
		state              []string
	}{
		{"nothing", "/", "", false, nil},
		{"taken up", "/", parent, true, nil},
		{"not sampled", "/", strings.Replace(parent, "-01", "-00", 1), true, nil},
		{"state", "/", parent + "X-A: 1\r\nTraceState: a=1,b@c=2\r\ntracestate: d=3\r\n", true, []string{"TraceState: a=1,b@c=2", "tracestate: d=3"}},
		{"bad state", "/", parent + "tracestate: a=1\r\ntracestate: b\r\n", true, nil},
		{"state alone", "/", "tracestate: a=1\r\n", false, nil},
		{"bad", "/", strings.Replace(parent, "-01", "-0X", 1) + "tracestate: a=1\r\n", false, nil},
		{"zero", "/", strings.Replace(parent, oldTrace, strings.Repeat("0", 32), 1), false, nil},
		{"twice", "/", parent + parent, false, nil},
		{"version ff", "/", strings.Replace(parent, " 00-", " ff-", 1), false, nil},
		{"version to come", "/", strings.Replace(strings.Replace(parent, " 00-", " cc-", 1), "-01", "-01-more", 1), true, nil},
		{"version 00 and more", "/", strings.Replace(parent, "-01", "-01-more", 1), false, nil},
		{"nominated", "/", parent + "Connection: traceparent\r\n", true, nil},
		{"edited head", "/add", parent + "tracestate: a=1\r\n", true, []string{"tracestate: a=1"}},
	}
	b := serve(t, text)
	ask := func(path, fields string) string {
		_, body, _ := strings.Cut(b.raw("GET "+path+" HTTP/1.1\r\nHost: a\r\n"+fields+"Connection: close\r\n\r\n"), "\r\n\r\n")
		return body
	}
	// Without tracing, the fields are like any other.
	if got := ask("/", "TraceParent: x\r\nTRACESTATE: y\r\nTraceParent: z\r\n"); !strings.Contains(got, "Host: a\r\nTraceParent: x\r\nTRACESTATE: y\r\nTraceParent: z\r\nX-Forwarded") {
		t.Errorf("without tracing: %q", got)
	}
	b.traced()
	for _, c := range cases {
		head := ask(c.path, c.fields)
		lines := traceLine.FindAllStringSubmatch(head, -1)
		if len(lines) != 1 || strings.Count(strings.ToLower(head), "traceparent:") != 1 {
			t.Errorf("%s: %q", c.name, head)
			continue
		}
		flags := "01"
		if c.name == "not sampled" {
			flags = "00"
		}
		if l := lines[0]; (l[1] == oldTrace) != c.taken || l[2] == oldParent || l[2] == strings.Repeat("0", 16) || l[3] != flags {
			t.Errorf("%s: %s", c.name, l[0])
		}
		var state []string
		for line := range strings.SplitSeq(head, "\r\n") {
			if strings.HasPrefix(strings.ToLower(line), "tracestate") {
				state = append(state, line)
			}
		}
		if strings.Join(state, "\n") != strings.Join(c.state, "\n") {
			t.Errorf("%s: state %q, want %q", c.name, state, c.state)
		}
	}
	if head := ask("/del", parent+"tracestate: a=1\r\n"); strings.Contains(strings.ToLower(head), "trace") {
		t.Errorf("removed by a middleware: %q", head)
	}
}

// TestSpanOfARequest: one of the request and one of its attempt, whose id the target
// was told.
func TestSpanOfARequest(t *testing.T) {
	addr := mirror(t)
	b := serve(t, to(addr)).traced()
	_, body := b.get("/a?b=c", "traceparent: 00-"+oldTrace+"-"+oldParent+"-01", "tracestate: x=1")
	line := traceLine.FindStringSubmatch(body)
	spans := b.wait(2)
	checkSpans(t, spans, "server GET /* "+statusKey+"=200", "client GET "+statusKey+"=200")
	server, client := spans[0], spans[1]
	if line == nil || line[2] != hex.EncodeToString(client.SpanId) || hex.EncodeToString(server.TraceId) != oldTrace ||
		hex.EncodeToString(server.ParentSpanId) != oldParent || server.TraceState != "x=1" {
		t.Errorf("target was told %q, spans %v", line, spans)
	}
	host, port, _ := net.SplitHostPort(addr)
	if got, want := brief(client, "url.full", "server.address", "server.port", "network.peer.address", "network.peer.port", "sluice.target"),
		fmt.Sprintf("client GET url.full=http://%s/a?b=c server.address=%s server.port=%s network.peer.address=%[2]s network.peer.port=%[3]s sluice.target=%[1]s", addr, host, port); got != want {
		t.Errorf("client is %s, want %s", got, want)
	}
	if got := brief(server, "url.path", "url.query", "client.address", "network.peer.address"); got !=
		"server GET /* url.path=/a url.query=b=c client.address=127.0.0.1 network.peer.address=127.0.0.1" {
		t.Errorf("server is %s", got)
	}
}

// TestSpansOfRetries: each attempt can be seen, and where it went.
func TestSpansOfRetries(t *testing.T) {
	var mu sync.Mutex
	var seen []string // parent ids, as targets were told
	note := func(head string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, traceLine.FindStringSubmatch(head)[2])
	}
	answer := func(response string) string {
		return origin(t, func(c net.Conn, br *bufio.Reader) {
			for {
				head, err := readHead(br)
				if err != nil {
					return
				}
				note(head)
				if response == "" {
					return
				}
				_, _ = io.WriteString(c, response)
			}
		})
	}
	good := answer(plainAnswer)
	full := answer("HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n")
	for _, c := range []struct {
		name, first, settings string
		want                  []string
		told                  int
	}{
		{"closes", answer(""), "", []string{"server GET /* " + statusKey + "=200", "client GET " + errorKey + "=upstream_closed failed",
			"client GET " + statusKey + "=200 " + resendKey + "=1"}, 2},
		{"refuses", deadAddress(t), "", []string{"server GET /* " + statusKey + "=200", "client GET " + errorKey + "=connect_failed failed",
			"client GET " + statusKey + "=200 " + resendKey + "=1"}, 1},
		{"answers 503", full, `"retry": { "statuses": [503] }`, []string{"server GET /* " + statusKey + "=200",
			"client GET " + statusKey + "=503 " + errorKey + "=upstream_status failed", "client GET " + statusKey + "=200 " + resendKey + "=1"}, 2},
		{"answers 503, and no more", full, "", []string{"server GET /* " + statusKey + "=503 " + errorKey + "=503 failed",
			"client GET " + statusKey + "=503 " + errorKey + "=503 failed"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen = nil
			settings := `"balance": "round_robin"`
			if c.settings != "" {
				settings += ", " + c.settings
			}
			b := serve(t, over(settings, c.first, good)).traced()
			// Where the turns begin is random: the first that goes to the first is looked at.
			b.get("/")
			b.get("/")
			within(t, "spans", func() bool { return b.pick(c.want) != nil })
			spans := b.pick(c.want)
			checkSpans(t, spans, c.want...)
			told := 0
			mu.Lock()
			defer mu.Unlock()
			for _, span := range spans[1:] {
				for _, id := range seen {
					if id == hex.EncodeToString(span.SpanId) {
						told++
					}
				}
			}
			if told != c.told {
				t.Errorf("%d of the attempts' ids were told, want %d: %v", told, c.told, seen)
			}
		})
	}
}

// pick returns the spans of the first trace that has as many as want, and whose second
// is as want has it; nil if there is none yet.
func (s *spanBed) pick(want []string) []*tracepb.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i+len(want) <= len(s.spans); i++ {
		all := s.spans[i : i+len(want)]
		if all[0].Kind == tracepb.Span_SPAN_KIND_SERVER && brief(all[1], statusKey, errorKey, resendKey) == want[1] {
			return all
		}
	}
	return nil
}

// TestSpansOfFailures: what goes wrong is to be seen, on the side where it did.
func TestSpansOfFailures(t *testing.T) {
	closing := origin(t, func(c net.Conn, br *bufio.Reader) {
		_, _ = readHead(br)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 90000))
	})
	for _, c := range []struct {
		name, text, request string
		want                []string
	}{
		{"no route", `{ LISTEN, "routes": [ { "name": "a", "path": "/a", "respond": {} } ] }`, "GET /b", []string{"server GET " + statusKey + "=404"}},
		{"own answer", `{ LISTEN, "routes": [ { "name": "a", "path": "/a", "respond": { "status": 503 } } ] }`, "PUT /a",
			[]string{"server PUT /a " + statusKey + "=503 " + errorKey + "=503 failed"}},
		{"odd method", `{ LISTEN, "routes": [ { "name": "a", "path": "/a", "respond": {} } ] }`, "GETT /a", []string{"server HTTP /a " + statusKey + "=200"}},
		{"refused", to(deadAddress(t)), "GET /", []string{"server GET /* " + statusKey + "=502 " + errorKey + "=connect_failed failed",
			"client GET " + errorKey + "=connect_failed failed"}},
		{"cut short", to(closing), "GET /", []string{"server GET /* " + statusKey + "=200 " + errorKey + "=response_truncated failed",
			"client GET " + statusKey + "=200 " + errorKey + "=response_truncated failed"}},
		{"not found there", to(answering(t, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")), "GET /", []string{"server GET /* " + statusKey + "=404",
			"client GET " + statusKey + "=404 " + errorKey + "=404 failed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := serve(t, c.text).traced()
			conn := b.dial()
			_, _ = io.WriteString(conn, c.request+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
			checkSpans(t, b.wait(len(c.want)), c.want...)
		})
	}
}

// TestSpanOfATunnel lasts as long as the tunnel.
func TestSpanOfATunnel(t *testing.T) {
	b := serve(t, to(parrot(t))).traced()
	c, say := b.tunnel()
	if err := say("hello"); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	checkSpans(t, b.wait(2), "server GET /* "+statusKey+"=101", "client GET "+statusKey+"=101")
}

// TestTracingComesAndGoes while requests are under way.
func TestTracingComesAndGoes(t *testing.T) {
	arrived, proceed := make(chan bool), make(chan bool)
	slow := origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			arrived <- true
			<-proceed
			_, _ = io.WriteString(c, plainAnswer)
		}
	})
	b := serve(t, to(slow))
	done := make(chan int)
	ask := func() { status, _ := b.get("/"); done <- status }
	go ask()
	<-arrived
	s := b.traced() // the first is part of no trace
	proceed <- true
	<-done
	go ask()
	<-arrived
	tracer := b.proxy.SetTracer(nil) // the second is not told of any more
	proceed <- true
	<-done
	within(t, "both have ended", func() bool { return b.proxy.InFlight() == 0 })
	b.proxy.SetTracer(tracer)
	go ask()
	<-arrived
	proceed <- true
	<-done
	checkSpans(t, s.wait(2), "server GET /* "+statusKey+"=200", "client GET "+statusKey+"=200")
}
