package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// buildCollector builds the OpenTelemetry collector's own OTLP receiver, once.
var buildCollector = sync.OnceValues(func() (string, error) {
	program := filepath.Join(filepath.Dir(sluice), "collector")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = "collector"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// startCollector runs it on an address and waits until it serves.
func startCollector(t *testing.T, address string) *process {
	t.Helper()
	program, err := buildCollector()
	if err != nil {
		t.Skipf("the collector cannot be built here: %v", err)
	}
	p := start(t, program, address)
	p.log.after(t, 0, "listening on "+address)
	return p
}

// attributes are a span's or a resource's, values as text.
type attributes map[string]string

// UnmarshalJSON reads OTLP's list of them.
func (a *attributes) UnmarshalJSON(text []byte) error {
	var list []struct {
		Key   string
		Value map[string]any
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*a = make(attributes)
	for _, pair := range list {
		for _, v := range pair.Value {
			(*a)[pair.Key] = fmt.Sprint(v)
		}
	}
	return nil
}

// collected is a span as the collector has read it.
type collected struct {
	TraceID, SpanID, ParentSpanID, TraceState, Name string
	Kind                                            int   // 2 a server's, 3 a client's
	Start                                           int64 `json:"startTimeUnixNano,string"`
	End                                             int64 `json:"endTimeUnixNano,string"`
	Attributes                                      attributes
	Status                                          struct{ Code int } // 2 is an error
	service                                         string
}

// spans are those that a collector has taken so far.
func spans(t *testing.T, k *process) []collected {
	t.Helper()
	var all []collected
	for line := range strings.Lines(k.out.String()) {
		var batch struct {
			ResourceSpans []struct {
				Resource   struct{ Attributes attributes }
				ScopeSpans []struct{ Spans []collected }
			}
		}
		if err := json.Unmarshal([]byte(line), &batch); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, resource := range batch.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					s.service = resource.Resource.Attributes["service.name"]
					all = append(all, s)
				}
			}
		}
	}
	return all
}

// TestTracingToCollector sends spans to the OpenTelemetry collector's receiver, which
// is away at first and then stopped and started anew: it understands them, and not
// one is lost.
func TestTracingToCollector(t *testing.T) {
	t.Parallel()
	at, admin, dead := reserve(t), reserve(t), reserve(t)
	if _, err := buildCollector(); err != nil {
		t.Skipf("the collector cannot be built here: %v", err)
	}
	p := serve(t, fmt.Sprintf(`"admin": {"address": %q}, "tracing": {"endpoint": "http://%s/v1/traces", "sample": 1, "service_name": "edge"},
"upstreams": {"app": {"targets": [{"address": %q}]}, "gone": {"targets": [{"address": %q}]}},
"routes": [{"name": "app", "path": "/app/:id", "upstream": "app"}, {"name": "gone", "path": "/gone", "upstream": "gone"}]`,
		admin, at, named(t, "well"), dead))
	c := client(t)
	traced := func(path string, status, number int) {
		req, err := http.NewRequest("GET", "http://"+p.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("traceparent", fmt.Sprintf("00-%032x-00000000000000aa-01", number))
		req.Header.Set("tracestate", "congo=t61")
		do(t, c, req).wants(t, status, "")
	}
	traced("/app/1", 200, 1)
	_, mark := p.log.after(t, 0, "tracing in trouble", "connection refused")
	first := startCollector(t, at)
	_, mark = p.log.after(t, mark, "tracing works again", `"lost":0`)
	traced("/gone", 502, 2)
	until(t, "two requests and their attempts", func() {}, func() bool { return len(spans(t, first)) >= 4 })
	first.signal(syscall.SIGTERM)
	first.exit()
	traced("/app/3", 200, 3)
	p.log.after(t, mark, "tracing in trouble")
	second := startCollector(t, at)
	until(t, "the third request", func() {}, func() bool { return len(spans(t, second)) == 2 })

	servers := make(map[string]collected)
	all := append(spans(t, first), spans(t, second)...)
	for _, s := range all {
		if s.Kind == 2 {
			servers[s.TraceID] = s
		}
	}
	for number, want := range map[int][3]string{1: {"GET /app/:id", "200", "app"}, 2: {"GET /gone", "502", "gone"}, 3: {"GET /app/:id", "200", "app"}} {
		s := servers[fmt.Sprintf("%032x", number)]
		if s.Name != want[0] || s.Attributes["http.response.status_code"] != want[1] || s.Attributes["sluice.route"] != want[2] ||
			s.ParentSpanID != "00000000000000aa" || s.TraceState != "congo=t61" || s.service != "edge" || s.End < s.Start || (s.Status.Code == 2) != (number == 2) {
			t.Errorf("request %d is %+v", number, s)
		}
	}
	for _, s := range all {
		server := servers[s.TraceID]
		if s.Kind == 3 && (s.ParentSpanID != server.SpanID || s.Start < server.Start || s.End > server.End || (s.Status.Code == 2) != (server.Name == "GET /gone")) {
			t.Errorf("attempt %+v of %+v", s, server)
		}
	}
	metrics := get(t, c, "http://"+admin+"/metrics").body
	for _, line := range []string{"sluice_trace_spans_total 6", `sluice_trace_spans_dropped_total{cause="failed"} 0`, `sluice_trace_spans_dropped_total{cause="behind"} 0`} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("metrics lack %s", line)
		}
	}
}
