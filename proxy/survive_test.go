package proxy_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/middleware"
)

// panicking is a middleware that panics where a request asks for it.
func panicking(when string) middleware.Middleware {
	return func(next fasthttp.RequestHandler) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			value, _ := exchange.Of(ctx).Head.Value("X-Panic", 0)
			asked := string(value)
			if asked == "before" && when == "before" {
				panic("before the target")
			}
			next(ctx)
			if asked == "after" && when == "after" {
				panic("after the target")
			}
		}
	}
}

// TestPanic: a bug costs the request it meets, which is told, and no other.
func TestPanic(t *testing.T) {
	for when, request := range map[string]string{
		"before": "GET / HTTP/1.1\r\nHost: a\r\nX-Panic: before\r\n\r\n",
		"after":  "GET / HTTP/1.1\r\nHost: a\r\nX-Panic: after\r\n\r\n",
	} {
		t.Run(when, func(t *testing.T) {
			b := serve(t, to(answering(t, hello)))
			b.proxy.Wrap("all", panicking(when))
			told := make(chan string, 1)
			b.trouble = func(msg string) { told <- msg }
			other := b.dial()
			otherReader := bufio.NewReader(other)
			wantHello(t, other, otherReader)

			c := b.dial()
			_, _ = io.WriteString(c, request)
			answer, err := io.ReadAll(c)
			if err != nil {
				t.Errorf("the connection ends with %v, so that the answer may be lost", err)
			}
			if got := string(answer); !strings.HasPrefix(got, "HTTP/1.1 500 ") || !strings.HasSuffix(got, "\r\n\r\n500 internal error\n") ||
				!strings.Contains(got, "\r\nConnection: close\r\n") {
				t.Errorf("answered %q", got)
			}
			if msg := <-told; !strings.Contains(msg, when+" the target") || !strings.Contains(msg, "survive_test.go") {
				t.Errorf("told %q, which does not say what and where", msg)
			}
			wantHello(t, other, otherReader)
			b.counts(`sluice_failures_total{reason="panic",route="all"}`, "1")
			b.counts(`sluice_requests_total{class="5xx",route="all"}`, "1")
			b.counts("sluice_in_flight_requests", "0")
			if n := b.proxy.Generation().Pools()["u"].Targets[0].Node.InFlight(); n != 0 {
				t.Errorf("%d requests in flight at the target, want 0", n)
			}
		})
	}
}

// TestPanicWhileUploading: the goroutine that sends the body ends too.
func TestPanicWhileUploading(t *testing.T) {
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err == nil {
			_, _ = io.WriteString(c, hello)
			_, _ = io.Copy(io.Discard, br)
		}
	})
	b := serve(t, to(addr))
	b.proxy.Wrap("all", panicking("after"))
	b.trouble = func(string) {}
	got := make(chan string, 1)
	c := b.dial()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nX-Panic: after\r\nContent-Length: 1000\r\n\r\npart")
	go func() {
		all, _ := io.ReadAll(c)
		got <- string(all)
	}()
	if answer := <-got; !strings.HasPrefix(answer, "HTTP/1.1 500 ") {
		t.Errorf("answered %q", answer)
	}
	within(t, "nothing is left", func() bool { return b.proxy.InFlight() == 0 && b.server.Open() == 0 })
}

// wantHello asks over a connection that goes on and must be answered hello.
func wantHello(t *testing.T, c net.Conn, br *bufio.Reader) {
	t.Helper()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := readHead(br); err != nil {
		t.Fatalf("no answer: %v", err)
	}
	body := make([]byte, 5)
	if _, err := io.ReadFull(br, body); err != nil || string(body) != "hello" {
		t.Fatalf("answered %q, %v", body, err)
	}
}
