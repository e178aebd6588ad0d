package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/telemetry"
)

// roundTripper sends the same request and reads an answer of the same length,
// again and again, without allocating itself.
type roundTripper struct {
	c       net.Conn
	request []byte
	answer  []byte
}

func newRoundTripper(t testing.TB, b *bed, request string, answerLen int) *roundTripper {
	return &roundTripper{c: b.dial(), request: []byte(request), answer: make([]byte, answerLen)}
}

func (r *roundTripper) do(t testing.TB) {
	if _, err := r.c.Write(r.request); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r.c, r.answer); err != nil {
		t.Fatal(err)
	}
}

// quietOrigin answers requests without allocating: it reads what is there and
// answers each time the given end of a request has come.
func quietOrigin(t testing.TB, end, response string) string {
	return origin(t, func(c net.Conn, _ *bufio.Reader) {
		buf, n, answer := make([]byte, 64<<10), 0, []byte(response)
		for {
			k, err := c.Read(buf[n:])
			if err != nil {
				return
			}
			if n += k; !bytes.HasSuffix(buf[:n], []byte(end)) {
				continue
			}
			n = 0
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
}

const (
	plainAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: o\r\nContent-Length: 90\r\n\r\n" +
		"012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
	chunkedAnswer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)

// TestRequestsDoNotAllocate counts every allocation of the process, fasthttp's
// server loop, client and origin included: a proxied request makes none.
func TestRequestsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const config = `{ LISTEN,
		"upstreams": { "u": { "balance": BALANCE, "health": { "passive": {} }, "targets": [ { "address": "ADDR" } ] } },
		"middlewares": { "strip": { "type": "strip_prefix", "prefix": "/v1" }, "id": { "type": "request_id" },
			"in": { "type": "request_headers", "set": { "X-In": "1" } }, "out": { "type": "response_headers", "set": { "X-Out": "1" } } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" },
			{ "name": "v1", "path": "/v1/*", "middlewares": ["strip", "in", "out"], "upstream": "u" },
			{ "name": "pong", "path": "/ping", "respond": { "body": "pong\n" } } ] }`
	cases := []struct {
		name, balance, request, end, response string
		answer                                int
	}{
		{"get", `"weighted"`, "GET /x HTTP/1.1\r\nHost: localhost\r\nUser-Agent: t\r\nAccept: */*\r\n\r\n", "\r\n\r\n", plainAnswer, len(plainAnswer)},
		{"ewma", `"ewma"`, "GET /x?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\n", plainAnswer, len(plainAnswer)},
		{"hash", `"consistent_hash", "hash": { "key": "header:X-User-Id" }`, "GET /x HTTP/1.1\r\nHost: localhost\r\nX-User-Id: ada\r\n\r\n", "\r\n\r\n", plainAnswer, len(plainAnswer)},
		{"post", `"least_request"`, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody", "body", plainAnswer, len(plainAnswer)},
		{"chunked post", `"least_request"`, "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", "0\r\n\r\n", plainAnswer, len(plainAnswer)},
		{"escaped", `"random"`, "GET /a%20b/../%2f HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\n", plainAnswer, len(plainAnswer)},
		{"chunked", `"round_robin"`, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\n", chunkedAnswer, len(chunkedAnswer)},
		{"middlewares", `"weighted"`, "GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\n", plainAnswer, len(plainAnswer) + len("X-Out: 1\r\n")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			addr := quietOrigin(t, c.end, c.response)
			b := serve(t, replace(config, "BALANCE", c.balance, "ADDR", addr))
			r := newRoundTripper(t, b, c.request, c.answer)
			// Until it is known how long the origin keeps connections, POSTs go
			// over new ones.
			for begun := time.Now(); time.Since(begun) < time.Second; {
				r.do(t)
			}
			runtime.GC()
			// A collection may empty a pool in between; so one in ten is let pass.
			if n := testing.AllocsPerRun(1000, func() { r.do(t) }); n >= 0.1 {
				t.Errorf("%v allocations per request, want none", n)
			}
		})
	}
}

// TestUnsampledRequestsDoNotAllocate is TestRequestsDoNotAllocate for traces that are
// passed on and not recorded.
func TestUnsampledRequestsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, fields := range map[string]string{
		"begun":    "",
		"taken up": "traceparent: 00-" + oldTrace + "-" + oldParent + "-00\r\ntracestate: a=1\r\n",
	} {
		for _, path := range []string{"/", "/edited"} {
			t.Run(name+path, func(t *testing.T) {
				b := serve(t, replace(`{ LISTEN, "upstreams": { "u": { "targets": [ { "address": "ADDR" } ] } },
					"middlewares": { "in": { "type": "request_headers", "set": { "X-In": "1" } } },
					"routes": [ { "name": "all", "path": "/*", "upstream": "u" },
						{ "name": "edited", "path": "/edited", "middlewares": ["in"], "upstream": "u" } ] }`, "ADDR", quietOrigin(t, "\r\n\r\n", plainAnswer)))
				b.untraced()
				r := newRoundTripper(t, b, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n"+fields+"\r\n", len(plainAnswer))
				for range 100 {
					r.do(t)
				}
				runtime.GC()
				if n := testing.AllocsPerRun(1000, func() { r.do(t) }); n >= 0.1 {
					t.Errorf("%v allocations per request, want none", n)
				}
			})
		}
	}
}

// untraced makes a bed pass traces on and record none.
func (b *bed) untraced() {
	tracer := telemetry.OpenTracer(&config.Tracing{Endpoint: "http://127.0.0.1:1/v1/traces"}, telemetry.TracerOptions{Metrics: b.metrics})
	b.proxy.SetTracer(tracer)
	b.t.Cleanup(func() { _ = tracer.Close(context.Background()) })
}

// BenchmarkTracing is what a small request costs as its trace is passed on, and as it
// is recorded, besides BenchmarkSmallGet.
func BenchmarkTracing(b *testing.B) {
	for name, flags := range map[string]string{"off": "", "unsampled": "00", "recorded": "01"} {
		b.Run(name, func(b *testing.B) {
			addr := quietOrigin(b, "\r\n\r\n", plainAnswer)
			bed := serve(b, to(addr))
			switch flags {
			case "00":
				bed.untraced()
			case "01":
				bed.traced()
			}
			r := newRoundTripper(b, bed, "GET /x HTTP/1.1\r\nHost: localhost\r\ntraceparent: 00-"+oldTrace+"-"+oldParent+"-"+flags+"\r\n\r\n", len(plainAnswer))
			b.ReportAllocs()
			for b.Loop() {
				r.do(b)
			}
		})
	}
}

func BenchmarkSmallGet(b *testing.B) {
	addr := quietOrigin(b, "\r\n\r\n", plainAnswer)
	bed := serve(b, to(addr))
	r := newRoundTripper(b, bed, "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", len(plainAnswer))
	b.ReportAllocs()
	for b.Loop() {
		r.do(b)
	}
}
