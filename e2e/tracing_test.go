package e2e

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	collectpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is a receiver of OTLP over HTTP, which reads what it is sent by the
// protocol's own messages.
type collector struct {
	mu       sync.Mutex
	services map[string]int // spans by service name
	spans    []*tracepb.Span
}

// collect serves a collector on an address, and returns how to end that.
func collect(t *testing.T, address string) (*collector, func()) {
	t.Helper()
	k := &collector{services: make(map[string]int)}
	l := listen(t, "tcp", address)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { k.take(t, w, r) })}
	go func() { _ = s.Serve(l) }()
	end := func() { _ = s.Close() }
	t.Cleanup(end)
	return k, end
}

func (k *collector) take(t *testing.T, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var req collectpb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &req)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Authorization") != "Bearer e2e" || len(req.ProtoReflect().GetUnknown()) > 0 {
		t.Errorf("%s %s with %q: %v", r.Method, r.URL, r.Header, err)
	}
	k.mu.Lock()
	for _, resource := range req.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, a := range resource.Resource.Attributes {
				if a.Key == "service.name" {
					k.services[a.Value.GetStringValue()] += len(scope.Spans)
				}
			}
			k.spans = append(k.spans, scope.Spans...)
		}
	}
	k.mu.Unlock()
	answer, err := proto.Marshal(&collectpb.ExportTraceServiceResponse{})
	if err != nil {
		t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer)
}

// wait waits until there are n spans and returns those, servers' by trace id.
func (k *collector) wait(t *testing.T, n int) (servers map[string]*tracepb.Span, clients []*tracepb.Span) {
	t.Helper()
	until(t, fmt.Sprintf("%d spans", n), func() {}, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.spans) >= n
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	servers = make(map[string]*tracepb.Span)
	for _, span := range k.spans {
		if span.Kind == tracepb.Span_SPAN_KIND_SERVER {
			servers[hex.EncodeToString(span.TraceId)] = span
		} else {
			clients = append(clients, span)
		}
	}
	return servers, clients
}

// tracing is that section, for a receiver.
func tracing(address, more string) string {
	return fmt.Sprintf(`"tracing": {"endpoint": "http://%s/v1/traces", "headers": {"Authorization": "Bearer e2e"}%s},`, address, more)
}

// TestTracing follows requests from the client through Sluice to the origin, in
// fields, spans and the access log.
func TestTracing(t *testing.T) {
	t.Parallel()
	at := reserve(t)
	k, _ := collect(t, at)
	file := filepath.Join(t.TempDir(), "access.log")
	told := make(chan string, 100)
	dead := reserve(t)
	app := origin(t, func(_ http.ResponseWriter, r *http.Request) {
		told <- r.Header.Get("Traceparent") + " " + r.Header.Get("Tracestate")
	})
	p := serve(t, tracing(at, `, "sample": 1, "service_name": "edge"`)+
		fmt.Sprintf(`"log": {"access": {"path": %q, "format": "{trace_id} {status}"}},
"upstreams": {"origin": {"balance": "consistent_hash", "hash": {"key": "path"}, "targets": [{"address": %q}, {"address": %q}], "health": {"passive": {"failures": 1000, "ratio": 0}}}},
"routes": [{"name": "all", "path": "/*", "upstream": "origin"}]`, file, dead, app))
	c := client(t)
	const n = 20
	for i := range n {
		get(t, c, fmt.Sprintf("http://%s/%d", p.addr, i)).wants(t, 200, "")
	}
	req, _ := http.NewRequest("GET", "http://"+p.addr+"/mine", nil)
	req.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	req.Header.Set("tracestate", "congo=t61rcWkgMzE")
	do(t, c, req).wants(t, 200, "")

	// Each origin's parent is a span of an attempt that went well.
	parents := make(map[string]bool)
	for range n {
		f := strings.Split(<-told, "-")
		if len(f) != 4 || f[3] != "01 " {
			t.Fatalf("the origin was told %q", f)
		}
		parents[f[2]] = true
	}
	if mine := <-told; !strings.HasPrefix(mine, "00-0af7651916cd43dd8448eb211c80319c-") || !strings.HasSuffix(mine, "-00 congo=t61rcWkgMzE") ||
		strings.Contains(mine, "b7ad6b7169203331") {
		t.Errorf("the origin was told %q", mine)
	}
	p.signal(syscall.SIGTERM) // what waits is sent at the end
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	servers, clients := k.wait(t, 2*n)
	failed := 0
	for _, span := range clients {
		server := servers[hex.EncodeToString(span.TraceId)]
		if server == nil || string(span.ParentSpanId) != string(server.SpanId) {
			t.Errorf("an attempt without its request: %v", span)
		}
		if span.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
			failed++
			continue
		}
		if !parents[hex.EncodeToString(span.SpanId)] {
			t.Errorf("no origin was told of %v", span)
		}
	}
	if len(servers) != n || len(clients)-failed != n || failed == 0 || k.services["edge"] != len(servers)+len(clients) {
		t.Errorf("%d requests, %d attempts, %d failed, services %v", len(servers), len(clients), failed, k.services)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(strings.ReplaceAll(string(b), " 200", ""))
	for i, id := range lines {
		if i < n && servers[id] == nil || i == n && id != "0af7651916cd43dd8448eb211c80319c" || i > n {
			t.Errorf("line %d has the trace %s", i, id)
		}
	}
}

// TestTracingReloads changes the section under load: no span is lost, and one that
// stays keeps its exporter.
func TestTracingReloads(t *testing.T) {
	t.Parallel()
	first, second := reserve(t), reserve(t)
	a, _ := collect(t, first)
	b, _ := collect(t, second)
	addr, admin := reserve(t), reserve(t)
	text := func(section string, round int) string {
		return listening(addr, fmt.Sprintf(`"admin": {"address": %q}, %s
"routes": [{"name": "all", "path": "/*", "respond": {"body": "%d"}}]`, admin, section, round))
	}
	p := serveFile(t, sluice, write(t, text(tracing(first, `, "sample": 1`), 0)))
	c := client(t)
	sent := 0
	ask := func() {
		for range 50 {
			get(t, c, "http://"+addr+"/").wants(t, 200, "")
			sent++
		}
	}
	ask()
	p.edit(text(tracing(first, `, "sample": 1`), 1), inForce) // nothing of the section
	ask()
	p.edit(text(tracing(second, `, "sample": 1, "service_name": "two"`), 2), inForce)
	a.wait(t, sent)
	from := sent
	ask()
	p.edit(text("", 3), inForce)
	b.wait(t, sent-from)
	get(t, c, "http://"+addr+"/").wants(t, 200, "3") // part of no trace
	metrics := get(t, c, "http://"+admin+"/metrics").body
	for _, line := range []string{fmt.Sprintf("sluice_trace_spans_total %d", sent), `sluice_trace_spans_dropped_total{cause="behind"} 0`,
		`sluice_trace_spans_dropped_total{cause="failed"} 0`, "sluice_trace_trouble 0"} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("metrics lack %s", line)
		}
	}
	if shown := get(t, c, "http://"+admin+"/config").body; strings.Contains(shown, "e2e") {
		t.Errorf("the config is shown with its secret: %s", shown)
	}
	if a.services["sluice"] != from || b.services["two"] != sent-from {
		t.Errorf("services %v and %v", a.services, b.services)
	}
	if strings.Contains(p.log.String(), "tracing in trouble") {
		t.Error("trouble is told of")
	}
}

// TestTracingWithoutReceiver: away, then hanging, then there; requests do not notice,
// and it is told once each time.
func TestTracingWithoutReceiver(t *testing.T) {
	t.Parallel()
	at := reserve(t)
	p := serve(t, tracing(at, `, "sample": 1`)+`"routes": [{"name": "all", "path": "/*", "respond": {"body": "ok"}}]`)
	c := client(t)
	ask(t, c, p, 0, 100)
	_, mark := p.log.after(t, 0, "tracing in trouble", "connection refused")
	k, end := collect(t, at)
	k.wait(t, 100)
	_, mark = p.log.after(t, mark, "tracing works again", `"lost":0`)
	end()
	hanging := listen(t, "tcp", at)
	defer hanging.Close()
	ask(t, c, p, 100, 200)
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.log.after(t, mark, "spans were lost", "100 spans")
	if n := strings.Count(p.log.String(), "tracing in trouble"); n != 2 {
		t.Errorf("told %d times", n)
	}
	t.Logf("ended %s after the signal", time.Since(begun))
}
