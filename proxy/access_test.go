package proxy_test

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

// logTo makes the access log of the config what the bed writes, until the test ends.
func (b *bed) logTo(text string) {
	b.t.Helper()
	cfg, err := config.Parse([]byte(strings.Replace(text, "LISTEN", `"listeners": [{"address": "127.0.0.1:0"}]`, 1)), proxy.Catalog())
	if err != nil {
		b.t.Fatalf("config: %v", err)
	}
	log, err := telemetry.OpenAccess(cfg.Log.Access, telemetry.AccessOptions{
		Metrics: b.metrics, Tell: func(e telemetry.AccessEvent) { b.t.Errorf("told %+v", e) },
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.proxy.SetAccessLog(log)
	b.t.Cleanup(func() {
		b.proxy.SetAccessLog(nil)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := log.Close(ctx); err != nil {
			b.t.Error(err)
		}
	})
}

// TestLoggedRequestsDoNotAllocate is TestRequestsDoNotAllocate with the access log
// on, in its formats and with all kinds of stages.
func TestLoggedRequestsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const text = `{ LISTEN, "log": { "access": { "path": "` + os.DevNull + `", ACCESS } },
		"upstreams": { "u": { "targets": [ { "address": "ADDR" } ] } }, "middlewares": { "id": { "type": "request_id" } },
		"routes": [ { "name": "all", "path": "/*", "middlewares": ["id"], "upstream": "u" } ] }`
	const stages = `"stages": [ { "filter": { "drop": { "status": "500-599", "hosts": ["*.example.com"] } } },
		{ "map": { "set": { "agent": "header:User-Agent" }, "redact": ["query:token"] } },
		{ "filter": { "drop": { "fields": { "agent": "~^kube" } } } }, { "filter": { "sample": { "one_in": 2 } } } ]`
	for _, access := range []string{`"format": "json"`, `"format": "combined"`, stages, stages + `, "format": "{uri} {agent} {weight} {request_id}"`} {
		config := replace(text, "ACCESS", access, "ADDR", quietOrigin(t, "\r\n\r\n", plainAnswer))
		b := serve(t, config)
		b.logTo(config)
		const id = "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
		r := newRoundTripper(t, b, "GET /x?token=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: t\r\n\r\n", len(plainAnswer)+len(id))
		for range 1000 {
			r.do(t)
		}
		runtime.GC()
		// A collection may empty a pool in between; so one in ten is let pass.
		if n := testing.AllocsPerRun(1000, func() { r.do(t) }); n >= 0.1 {
			t.Errorf("%s: %v allocations per request, want none", access, n)
		}
	}
}
