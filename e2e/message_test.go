package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestAnswerStaysAsItCame sends an answer with everything that proxies like to
// tidy up: case, order, duplicates, an odd reason.
func TestAnswerStaysAsItCame(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 299 Quite Fine\r\nset-cookie: b=2; Path=/\r\nX-ONE: 1\r\nSet-Cookie: a=1\r\n" +
		"x-one:  2 \r\nSet-Cookie: b=3; HttpOnly\r\nServer: Odd/1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" +
		"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x00\xff"
	target := rawOrigin(t, answering(answer, false))
	p := serve(t, proxyTo(target))
	c := dial(t, p.addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	got, _ := io.ReadAll(c)
	want := strings.Replace(answer, "x-one:  2 ", "x-one: 2", 1)
	if text := strings.NewReplacer("Connection: close\r\n", "", "x-one:  2 ", "x-one: 2").Replace(string(got)); text != want {
		t.Errorf("answer %q\nwant   %q", text, want)
	}
}

// TestRequestStaysAsItCame looks at the bytes that reach the origin.
func TestRequestStaysAsItCame(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 1)
	target := rawOrigin(t, func(c net.Conn, br *bufio.Reader) {
		head := ""
		for !strings.HasSuffix(head, "\r\n\r\n") {
			line, err := br.ReadString('\n')
			if head += line; err != nil {
				return
			}
		}
		heads <- head
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	p := serve(t, proxyTo(target))
	c := dial(t, p.addr)
	c.send("GET /a%2Fb//c?x=%20;&y HTTP/1.1\r\nhost: App.test\r\nX-B: 2\r\nx-a: 1\r\nX-B: 1\r\nCookie: q\r\n" +
		"Connection: keep-alive, x-drop\r\nX-Drop: me\r\nKeep-Alive: 5\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
	c.response("GET").wants(t, 204, "")
	const want = "GET /a%2Fb//c?x=%20;&y HTTP/1.1\r\nhost: App.test\r\nX-B: 2\r\nx-a: 1\r\nX-B: 1\r\nCookie: q\r\n" +
		"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: App.test\r\nX-Forwarded-Proto: http\r\n\r\n"
	if got := from(t, heads); got != want {
		t.Errorf("the origin got %q\nwant           %q", got, want)
	}
}

// TestAnswersWithoutBody has clients use their connection again after answers
// that have no body, whatever their fields say.
func TestAnswersWithoutBody(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/head":  "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n",
		"/chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"/204":   "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
		"/304":   "HTTP/1.1 304 Not Modified\r\nContent-Length: 12345\r\nETag: \"x\"\r\n\r\n",
		"/0":     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	}
	target := rawOrigin(t, func(c net.Conn, br *bufio.Reader) {
		for r := readRequest(br); r != nil; r = readRequest(br) {
			if _, err := io.WriteString(c, answers[r.URL.Path]); err != nil {
				return
			}
		}
	})
	p := serve(t, proxyTo(target))
	c := dial(t, p.addr)
	for range 3 {
		for _, a := range []struct {
			method, path string
			status       int
			length       string
		}{
			{"HEAD", "/head", 200, "12345"}, {"HEAD", "/chunk", 200, ""}, {"GET", "/204", 204, ""},
			{"GET", "/304", 304, "12345"}, {"GET", "/0", 200, "0"},
		} {
			c.send(a.method + " " + a.path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			got := c.response(a.method)
			if got.StatusCode != a.status || got.Header.Get("Content-Length") != a.length || got.body != "" {
				t.Fatalf("%s %s: %d with %v and body %q", a.method, a.path, got.StatusCode, got.Header, got.body)
			}
		}
	}
}

// TestHTTP10 serves a client that knows no chunks.
func TestHTTP10(t *testing.T) {
	t.Parallel()
	target := origin(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "one ")
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "two")
	})
	p := serve(t, proxyTo(target))
	c := dial(t, p.addr)
	c.send("GET / HTTP/1.0\r\n\r\n")
	got := c.response("GET")
	got.wants(t, 200, "one two")
	if len(got.TransferEncoding) > 0 {
		t.Errorf("Transfer-Encoding %q for HTTP/1.0", got.TransferEncoding)
	}
	c.wantsEnd()
}

// TestPipelined sends requests without waiting for answers.
func TestPipelined(t *testing.T) {
	t.Parallel()
	target := origin(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.URL.Path+string(body))
	})
	p := serve(t, proxyTo(target))
	c := dial(t, p.addr)
	c.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" +
		"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n")
	for _, want := range []string{"/1", "/2abc", "/3de", "/4"} {
		if got := c.response("GET"); got.body != want {
			t.Fatalf("answer %d %q, want %q", got.StatusCode, got.body, want)
		}
	}
}

// TestRefusesMalformed sends what is not quite HTTP. Another suite knows
// hundreds of these; this one tells that the binary is built with it.
func TestRefusesMalformed(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 100)
	target := rawOrigin(t, func(c net.Conn, br *bufio.Reader) {
		line, _ := br.ReadString('\n')
		reached <- line
	})
	p := serve(t, proxyTo(target))
	for _, text := range []string{
		"GET / HTTP/1.1\r\n\r\n",
		"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n folded: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	} {
		c := dial(t, p.addr)
		c.send(text)
		got := c.response("GET")
		if got.StatusCode/100 != 4 && got.StatusCode != 501 || !got.Close {
			t.Errorf("%q is answered %d, close %t", text, got.StatusCode, got.Close)
		}
		c.wantsEnd()
	}
	select {
	case line := <-reached:
		t.Errorf("%q reached the origin", line)
	default:
	}
	answersStill(t, p)
}

// answersStill checks that Sluice is alive: it answers 404 or better.
func answersStill(t *testing.T, p *process) {
	t.Helper()
	c := dial(t, p.addr)
	c.send("GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	c.response("GET")
}
