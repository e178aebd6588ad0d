package server_test

import (
	"errors"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/wire"
)

func TestBodies(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: a\r\n"
	long := strings.Repeat("0123456789", 10_000)
	cases := []struct {
		name, head, body string
		want             string
		err              error
	}{
		{"none", post, "", "", io.EOF},
		{"length", post + "Content-Length: 5\r\n", "hello", "hello", io.EOF},
		{"long", post + "Content-Length: 100000\r\n", long, long, io.EOF},
		{"chunked", post + "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nA: b\r\n\r\n", "hello!", io.EOF},
		{"long chunk", post + "Transfer-Encoding: chunked\r\n", "186a0\r\n" + long + "\r\n0\r\n\r\n", long, io.EOF},
		{"bad chunk", post + "Transfer-Encoding: chunked\r\n", "2\r\nhix\r\n", "hi", wire.ErrChunk},
		{"too long", post + "Transfer-Encoding: chunked\r\n", "30d41\r\n" + long + long + "x\r\n0\r\n\r\n", "", wire.ErrBodyTooLong},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			read, failed := make(chan string, 1), make(chan error, 1)
			e := serve(t, func(l *config.Limits) { l.BodyBytes = 200_000 }, readBody(read, failed))
			p := e.dial(here)
			p.send(c.head, "\r\n", c.body)
			got := <-read
			if err := <-failed; !errors.Is(err, c.err) {
				t.Errorf("ended with %v, want %v", err, c.err)
			}
			if c.want != "" && got != c.want {
				t.Errorf("read %d bytes, want the %d sent", len(got), len(c.want))
			}
			if closes := p.ok(); closes != (c.err != io.EOF) {
				t.Errorf("connection said to end: %v", closes)
			}
			if c.err == io.EOF {
				p.send(post, "\r\n")
				<-read
				<-failed
				p.ok()
			}
		})
	}
}

// TestBodyInPieces sends a body byte by byte, its end and the next request in one.
func TestBodyInPieces(t *testing.T) {
	read, failed := make(chan string, 2), make(chan error, 2)
	e := serve(t, nil, readBody(read, failed))
	p := e.dial(here)
	const request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e\r\nde\r\n0\r\nT: v\r\n\r\n"
	for i := range len(request) - 1 {
		p.send(request[i : i+1])
	}
	p.send(request[len(request)-1:], ask)
	for _, want := range []string{"abcde", ""} {
		if got := <-read; got != want {
			t.Errorf("read %q, want %q", got, want)
		}
		if err := <-failed; err != io.EOF {
			t.Errorf("ended with %v", err)
		}
		p.ok()
	}
}

func TestBodyCutShort(t *testing.T) {
	read, failed := make(chan string, 1), make(chan error, 1)
	e := serve(t, nil, readBody(read, failed))
	p := e.dial(here).send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
	_ = p.Close()
	if got, err := <-read, <-failed; got != "hel" || !errors.Is(err, server.ErrBodyCut) {
		t.Errorf("read %q, %v; want hel and %v", got, err, server.ErrBodyCut)
	}
}

// TestUnreadBody: a handler that does not care for the body must not make the
// next request of it.
func TestUnreadBody(t *testing.T) {
	cases := []struct {
		name, framing, body string
		goesOn              bool
	}{
		{"short", "Content-Length: 60\r\n", ask + strings.Repeat("x", 60-len(ask)), true},
		{"longer than memory", "Content-Length: 60000\r\n", strings.Repeat("x", 60_000), true},
		{"long", "Content-Length: 900000\r\n", strings.Repeat("x", 900_000), false},
		{"chunked", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", false},
		{"expected", "Content-Length: 5\r\nExpect: 100-continue\r\n", "", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := serve(t, nil, nil)
			p := e.dial(here).send("POST / HTTP/1.1\r\nHost: a\r\n", c.framing, "\r\n", c.body)
			if closes := p.ok(); closes == c.goesOn {
				t.Fatalf("connection said to end: %v", closes)
			}
			if !c.goesOn {
				if got := p.rest(); got != "" {
					t.Errorf("then came %q", got)
				}
				return
			}
			p.send(last).ok()
			if got := p.rest(); got != "" {
				t.Errorf("then came %q", got)
			}
		})
	}
}

func TestContinue(t *testing.T) {
	read, failed := make(chan string, 1), make(chan error, 1)
	e := serve(t, nil, readBody(read, failed))
	p := e.dial(here).send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if got := p.head(); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("told %q, want to continue", got)
	}
	p.send("hello")
	if got := <-read; got != "hello" {
		t.Errorf("read %q", got)
	}
	<-failed
	if p.ok() {
		t.Error("the connection is said to end")
	}
}

func TestWhole(t *testing.T) {
	type whole struct {
		data string
		ok   bool
	}
	seen := make(chan whole, 1)
	e := serve(t, nil, func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		data, ok := c.Body().Whole()
		seen <- whole{string(data), ok}
		_ = answerOK(c)
	})
	const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name, request string
		want          whole
	}{
		{"none", ask, whole{"", true}},
		{"all there", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", whole{"hello", true}},
		{"a part there", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhello", whole{"", false}},
		{"chunked", chunked + "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n", whole{"hello", true}},
		{"chunked and empty", chunked + "0\r\n\r\n", whole{"", true}},
		{"chunked and not all there", chunked + "3\r\nhel\r\n0\r\n", whole{"", false}},
		{"chunked and malformed", chunked + "3\r\nhello\r\n0\r\n\r\n", whole{"", false}},
	} {
		e.dial(here).send(c.request)
		if got := <-seen; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestInterrupt ends a read of the body from another goroutine.
func TestInterrupt(t *testing.T) {
	failed := make(chan error)
	e := serve(t, nil, func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		reading := make(chan error, 1)
		go func() {
			_, err := c.Body().Next(make([]byte, 1))
			reading <- err
		}()
		c.Interrupt()
		err := <-reading
		_ = answerOK(c)
		failed <- err
	})
	p := e.dial(here).send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
	if err := <-failed; !errors.Is(err, server.ErrBodyCut) {
		t.Errorf("the read ended with %v", err)
	}
	if !p.ok() {
		t.Error("the connection is not said to end")
	}
}

// TestAnswerByFasthttp: a handler may leave its answer to the server's own writer.
func TestAnswerByFasthttp(t *testing.T) {
	e := serve(t, nil, func(ctx *fasthttp.RequestCtx) {
		ctx.SetStatusCode(418)
		ctx.SetBodyString("teapot")
	})
	p := e.dial(here).send(ask, last)
	got := p.rest()
	if n := strings.Count(got, "HTTP/1.1 418 "); n != 2 || !strings.HasSuffix(got, "teapot") {
		t.Errorf("answers %q", got)
	}
}

// TestAnswersByTurns: an answer in ctx is that of its request and of no other,
// whatever handled the requests around it.
func TestAnswersByTurns(t *testing.T) {
	e := serve(t, nil, func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		if left := ctx.UserValue("left"); left != nil {
			t.Errorf("a request finds what one before left: %v", left)
		}
		ctx.SetUserValue("left", "behind")
		if strings.HasPrefix(string(c.Head().Target), "/sent") {
			ctx.Response.Header.Set("X-Left", "behind")
			ctx.SetBodyString("left behind")
			_ = answerOK(c)
			return
		}
		ctx.SetBodyString("ctx " + string(c.Head().Target))
	})
	request := func(line string) string { return line + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	p := e.dial(here).send(request("GET /sent"), request("GET /a"), request("HEAD /long-target"), request("GET /sent"),
		request("GET /sent"), request("GET /b"), "GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	got := p.rest()
	if strings.Contains(got, "left") || strings.Contains(got, "X-Left") {
		t.Errorf("an answer has what another request left: %q", got)
	}
	if n := strings.Count(got, "HTTP/1.1 200 "); n != 7 {
		t.Errorf("%d answers, want 7: %q", n, got)
	}
	for _, want := range []string{"ctx /a", "ctx /b", "ctx /c"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	if strings.Contains(got, "ctx /long-target") {
		t.Error("a HEAD is answered with a body")
	}
	if before, _, _ := strings.Cut(got, "ctx /c"); strings.Count(before, "Connection: close") != 1 {
		t.Errorf("the last answer, and only that, is to say that the connection ends: %q", got)
	}
}

func TestClientAddress(t *testing.T) {
	type who struct {
		addr   netip.Addr
		client string
	}
	seen := make(chan who, 1)
	e := newEdge(t, func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		seen <- who{c.Addr(), string(c.Client())}
		_ = answerOK(c)
	})
	unix := "unix:" + filepath.Join(t.TempDir(), "s")
	e.use(limits(nil), here, unix)
	e.dial(here).send(ask).ok()
	if got := <-seen; got != (who{netip.MustParseAddr("127.0.0.1"), "127.0.0.1"}) {
		t.Errorf("over tcp %+v", got)
	}
	e.dial(unix).send(ask).ok()
	if got := <-seen; got != (who{}) {
		t.Errorf("over a unix socket %+v", got)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	e := serve(t, nil, func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		target := string(c.Head().Origin)
		_ = c.Send([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Target: " + target + "\r\n\r\nok"))
	})
	var requests strings.Builder
	for _, target := range []string{"/a", "/b", "/c"} {
		requests.WriteString("POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy")
	}
	p := e.dial(here).send(requests.String())
	for _, target := range []string{"/a", "/b", "/c"} {
		if head := p.head(); !strings.Contains(head, "X-Target: "+target+"\r\n") {
			t.Errorf("answer %q, want the one for %s", head, target)
		}
		_, _ = io.ReadFull(p.br, make([]byte, 2))
	}
}

// TestNotWholeIsStillThere reads bodies that Whole did not return.
func TestNotWholeIsStillThere(t *testing.T) {
	read, failed := make(chan string, 1), make(chan error, 1)
	inner, looked := readBody(read, failed), make(chan struct{}, 1)
	e := serve(t, func(l *config.Limits) { l.BodyBytes = 8 }, func(ctx *fasthttp.RequestCtx) {
		if data, ok := ctx.Conn().(*server.Conn).Body().Whole(); ok {
			t.Errorf("%q is taken for whole", data)
		}
		looked <- struct{}{}
		inner(ctx)
	})
	const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name, first, then string
		want              string
		err               error
	}{
		{"the rest comes", chunked + "3\r\nhel\r\n2\r\nl", "o\r\n0\r\n\r\n", "hello", io.EOF},
		{"malformed", chunked + "3\r\nhelp", "", "hel", wire.ErrChunk},
		{"too long", chunked + "4\r\nhell\r\n5\r\no you\r\n0\r\n\r\n", "", "hell", wire.ErrBodyTooLong},
	} {
		p := e.dial(here).send(c.first)
		<-looked
		p.send(c.then)
		if got, err := <-read, <-failed; got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: read %q, %v; want %q, %v", c.name, got, err, c.want, c.err)
		}
		p.ok()
	}
}
