package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFailingOrigins has origins fail before there is a response to pass on.
func TestFailingOrigins(t *testing.T) {
	t.Parallel()
	says := func(text string) func(*testing.T) string {
		return func(t *testing.T) string { return rawOrigin(t, answering(text, true)) }
	}
	for _, c := range []struct {
		name   string
		start  func(*testing.T) string
		status int
		text   string
	}{
		{"refuses", func(t *testing.T) string { return reserve(t) }, 502, "cannot connect"},
		{"no such socket", func(t *testing.T) string { return "unix:" + socketPath(t) }, 502, "cannot connect"},
		{"hangs", func(t *testing.T) string {
			return rawOrigin(t, func(c net.Conn, _ *bufio.Reader) { awaitEnd(c) })
		}, 504, "timeout waiting"},
		{"hangs in its head", func(t *testing.T) string {
			return rawOrigin(t, func(c net.Conn, _ *bufio.Reader) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-A: ")
				awaitEnd(c)
			})
		}, 504, "timeout waiting"},
		{"closes at once", says(""), 502, "closed the connection"},
		{"closes in its head", says("HTTP/1.1 200 OK\r\nContent-Le"), 502, "closed the connection"},
		{"garbage", says("\x00\x01\x02\xff\r\n\r\n"), 502, "malformed"},
		{"another protocol", says("SSH-2.0-OpenSSH_9.6\r\n"), 502, ""},
		{"HTTP/2", says("HTTP/2 200\r\n\r\n"), 502, "malformed"},
		{"two lengths", says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 502, "malformed"},
		{"length and chunks", says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 502, "malformed"},
		{"endless head", says("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 1<<20)), 502, "malformed"},
		{"101 nobody asked for", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), 502, "malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, proxyTo(c.start(t), `"timeouts": {"response_header": "150ms", "connect": "10s"}`))
			begun := time.Now()
			get(t, client(t), "http://"+p.addr+"/").wants(t, c.status, c.text)
			if took := time.Since(begun); c.status == 504 && took < 150*time.Millisecond {
				t.Errorf("given up after %s", took)
			}
			get(t, client(t), "http://"+p.addr+"/").wants(t, c.status, c.text)
		})
	}
}

// TestHalfAnswers has origins fail within a response: it must not look whole.
func TestHalfAnswers(t *testing.T) {
	t.Parallel()
	filling := strings.Repeat("f", 100_000)
	for _, c := range []struct {
		name, head, body string
		reset            bool
	}{
		{"length", "Content-Length: 1000\r\n", "half", false},
		{"length, nothing", "Content-Length: 1000\r\n", "", false},
		{"length, long", "Content-Length: 1000000\r\n", filling, false},
		{"chunked", "Transfer-Encoding: chunked\r\n", "4\r\nhalf\r\n", false},
		{"chunked, in a chunk", "Transfer-Encoding: chunked\r\n", "fff\r\nhalf", false},
		{"chunked, no last line", "Transfer-Encoding: chunked\r\n", "4\r\nhalf\r\n0\r\n", false},
		{"chunked, broken", "Transfer-Encoding: chunked\r\n", "4\r\nhalf\r\nzz\r\n", false},
		{"until the end", "", "half", true},
		{"until the end, long", "", filling, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			half := make(chan bool, 10)
			addr := rawOrigin(t, func(conn net.Conn, br *bufio.Reader) {
				if readRequest(br) == nil {
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+c.head+"\r\n"+c.body)
				if c.reset {
					// Not before the client has some of it: a reset may
					// overtake data.
					<-half
					_ = conn.(*net.TCPConn).SetLinger(0)
				}
			})
			p := serve(t, proxyTo(addr))
			for _, version := range []string{"1.1", "1.0"} {
				if complete, got := looksComplete(t, p.addr, version, half); complete {
					t.Errorf("HTTP/%s: looks complete: %.300q", version, got)
				}
			}
		})
	}
}

// looksComplete reports whether a client could take the answer for whole, and
// tells half as soon as some of it has arrived.
func looksComplete(t *testing.T, addr, version string, half chan<- bool) (bool, string) {
	t.Helper()
	c := dial(t, addr)
	c.send("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n")
	_, _ = c.br.Peek(1)
	half <- true
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return false, ""
	}
	body, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == 200, resp.Status + string(body)
}

// TestConnectionLimit has requests wait for the one connection there may be.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan bool, 10), make(chan bool)
	addr := origin(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		select {
		case <-release:
			_, _ = io.WriteString(w, "served")
		case <-r.Context().Done():
		}
	})
	ask := func(p *process, answers chan<- answer) {
		req, _ := http.NewRequest("GET", "http://"+p.addr+"/", nil)
		a, err := try(client(t), req)
		if err != nil {
			t.Error(err)
			a.Response = &http.Response{}
		}
		answers <- a
	}
	t.Run("queue timeout", func(t *testing.T) {
		p := serve(t, proxyTo(addr, `"connections": {"max": 1, "queue": 1, "queue_timeout": "100ms"}`))
		answers := make(chan answer, 2)
		go ask(p, answers)
		from(t, arrived)
		go ask(p, answers)
		from(t, answers).wants(t, 503, "became free in time")
		to(t, release, true)
		from(t, answers).wants(t, 200, "served")
	})
	t.Run("queue full", func(t *testing.T) {
		p := serve(t, proxyTo(addr, `"connections": {"max": 1, "queue": 1, "queue_timeout": "10m"}`))
		answers := make(chan answer, 3)
		go ask(p, answers)
		from(t, arrived)
		go ask(p, answers)
		go ask(p, answers)
		// One of the two waits, and will for long; the other is answered at once.
		from(t, answers).wants(t, 503, "at its connection limit")
		to(t, release, true)
		from(t, answers).wants(t, 200, "served")
		from(t, arrived)
		to(t, release, true)
		from(t, answers).wants(t, 200, "served")
	})
	t.Run("no queue", func(t *testing.T) {
		p := serve(t, proxyTo(addr, `"connections": {"max": 1, "queue_timeout": "0s"}`))
		answers := make(chan answer, 2)
		go ask(p, answers)
		from(t, arrived)
		go ask(p, answers)
		from(t, answers).wants(t, 503, "")
		to(t, release, true)
		from(t, answers).wants(t, 200, "served")
	})
}
