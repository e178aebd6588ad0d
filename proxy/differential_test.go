package proxy_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// FuzzForwarded sends an input over a connection of its own and ends the sending.
// Whatever then reaches the origin must be read alike by two parsers that share
// nothing with the proxy's (net/http, and [parseStrict]), as the requests that
// net/http reads in the input: no byte more, and none cut short that looks whole.
//
// The origin answers each request with Connection: close and reads on until the
// proxy has closed, so that one of its connections is one request, and inputs do
// not share any.
func FuzzForwarded(f *testing.F) {
	for _, s := range forwardedSeeds() {
		f.Add([]byte(s))
	}
	rec := record(f)
	b := serve(f, to(rec.Addr().String()))
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 12<<10 {
			t.Skip("longer than the proxy reads at once")
		}
		answers := sendAll(t, b.addr, input)
		forwarded := rec.take(t)
		checkForwarded(t, input, forwarded, answers)
	})
}

// sendAll sends the input and returns all that is answered.
func sendAll(t *testing.T, addr string, input []byte) []byte {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	// An error here is of a proxy that has refused what it has read.
	_, _ = c.Write(input)
	_ = c.(*net.TCPConn).CloseWrite()
	answers, err := io.ReadAll(c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("input %q hangs; answered so far: %q", input, answers)
	}
	return answers
}

// checkForwarded compares what reached the origin, one element a connection, with
// the input, and with the origin's answers that came back.
func checkForwarded(t *testing.T, input []byte, forwarded [][]byte, answers []byte) {
	var whole []reading
	var answered []string
	for i, raw := range forwarded {
		m, n, err := parseStrict(string(raw))
		if err != nil && !errors.Is(err, errCut) {
			t.Fatalf("input %q forwarded as %q: %v", input, raw, err)
		}
		other, left, otherErr := parseNetHTTP(raw)
		if errors.Is(err, errCut) {
			if otherErr == nil {
				t.Errorf("input %q forwarded as %q, which is incomplete, but not to net/http", input, raw)
			}
			continue
		}
		if n != len(raw) || left != 0 {
			t.Errorf("input %q forwarded as %q: more than one request", input, raw)
		}
		if refusedTrailer(otherErr) {
			other = m
		} else if otherErr != nil {
			t.Errorf("input %q forwarded as %q, which net/http refuses: %v", input, raw, otherErr)
		}
		if m != other {
			t.Errorf("input %q forwarded as %q: read as %+v, and by net/http as %+v", input, raw, m, other)
		}
		whole = append(whole, m)
		answered = append(answered, strconv.Itoa(i))
	}
	if seen := marks(answers); !slices.Equal(seen, answered) {
		t.Errorf("input %q: the origin answered %v, the client got %v in %q", input, answered, seen, answers)
	}
	meant, all := parseClient(input)
	for i, m := range whole {
		at := slices.Index(meant, m)
		if at < 0 && !all && len(meant) == 0 {
			break
		}
		if at < 0 {
			t.Fatalf("input %q: request %d was forwarded as %+v; net/http reads no such in it", input, i, m)
		}
		meant = meant[at+1:]
	}
}

var mark = regexp.MustCompile(`\r\nX-Mark: (\d+)\r\n`)

// marks returns the origin's marks in the responses that a client got.
func marks(answers []byte) (seen []string) {
	for _, m := range mark.FindAllSubmatch(answers, -1) {
		seen = append(seen, string(m[1]))
	}
	return seen
}

// recorder is an origin that keeps what it is sent.
type recorder struct {
	net.Listener
	mu    sync.Mutex
	bytes [][]byte // one element a connection, in the order they came
	open  bool     // a connection was not closed when its request was done
	busy  sync.WaitGroup
	flush chan struct{}
}

func record(t testing.TB) *recorder {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := &recorder{Listener: l, flush: make(chan struct{})}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			i := len(r.bytes)
			r.bytes = append(r.bytes, nil)
			r.mu.Unlock()
			r.busy.Add(1)
			r.serve(c, i)
		}
	}()
	return r
}

// barrier is what the test itself says on a connection to the recorder.
const barrier = "barrier"

// serve answers connection i, and keeps all that it is sent up to its end.
func (r *recorder) serve(c net.Conn, i int) {
	go func() {
		defer r.busy.Done()
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		var all []byte
		buf := make([]byte, 4<<10)
		for answered := false; ; {
			n, err := c.Read(buf)
			all = append(all, buf[:n]...)
			if string(all) == barrier {
				r.flush <- struct{}{}
				return
			}
			if _, _, parseErr := parseStrict(string(all)); !answered && !errors.Is(parseErr, errCut) {
				answered = true
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\nX-Mark: %d\r\n\r\n", i)
			}
			if err != nil {
				var timeout net.Error
				r.mu.Lock()
				r.bytes[i] = all
				r.open = r.open || errors.As(err, &timeout) && timeout.Timeout()
				r.mu.Unlock()
				return
			}
		}
	}()
}

// take returns what has come since it was last called, when all connections have
// ended. Connections are accepted in the order they were made, so when the one
// of the barrier is, all are.
func (r *recorder) take(t *testing.T) [][]byte {
	c, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, barrier)
	<-r.flush
	r.busy.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open {
		t.Error("the proxy has left a connection to the origin open")
	}
	taken := r.bytes[:len(r.bytes)-1]
	r.bytes, r.open = nil, false
	return taken
}

// forwardedSeeds are inputs that parsers have been known to read differently, and
// plain ones for the fuzzer to start from.
func forwardedSeeds() []string {
	const (
		get  = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
		post = "POST /p HTTP/1.1\r\nHost: h\r\n"
		te   = post + "Transfer-Encoding: chunked\r\n\r\n"
		next = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	)
	seeds := []string{
		get, get + next, "\r\n" + get + "\r\n" + next, get + get[:20], "", "\r\n",
		"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + next,
		"GET /a HTTP/1.0\r\n\r\n", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + next,
		"GET http://b/x?y HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://b?y HTTP/1.1\r\nHost: h\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" + next, "OPTIONS http://b HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET //b/%2f/../;x?\xff HTTP/1.1\r\nHost: h\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n" + next,
		"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + next,
		"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Content-Length, Host\r\nContent-Length: 3\r\n\r\nabc" + next,
		"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next,
		"GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n" + next,
		"GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n" + next,
		"GET /a HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n" + next, "GET /a HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n" + next,
		"GET /a HTTP/1.1\nHost: h\n\n" + next, "GET /a HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: h\r\nX: a\nContent-Length: 5\r\n\r\nabcde", "GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x00\xa5\x01", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n" + next,
	}
	for _, framing := range []string{
		"Content-Length: 3\r\n\r\nabc", "Content-Length: 3\r\n\r\nab", "Content-Length: 0\r\n\r\n", "Content-Length: 0003\r\n\r\nabc",
		"Content-Length: +3\r\n\r\nabc", "Content-Length: 3, 3\r\n\r\nabc", "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		"Content-Length: 18446744073709551619\r\n\r\nabc", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "tRANSFER-eNCODING:\tCHUNKED \r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"X: x\r\n\r\nContent-Length: 3\r\n\r\nabc", "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", "Expect: x\r\nContent-Length: 3\r\n\r\nabc",
		"Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
	} {
		seeds = append(seeds, post+framing+next)
	}
	for _, chunks := range []string{
		"0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n1\r\nd\r\n00\r\n\r\n", "3;x=y\r\nabc\r\n0;z\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n",
		"0\r\nX-T: v\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nHost: b\r\n\r\n", "0\r\n X: y\r\n\r\n", "0\r\nX-T: v\n\r\n",
		"3\r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n", "3\r\nab", "3 \r\nabc\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n",
		"3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc0\r\n\r\n", "3;a\nb\r\nabc\r\n0\r\n\r\n", "-1\r\nabc\r\n0\r\n\r\n",
		"ffffffffffffffff\r\nabc\r\n0\r\n\r\n", "10000000000000003\r\nabc\r\n0\r\n\r\n", "\r\n\r\n", "3\r\n\r\n\r\n\r\n0\r\n\r\n",
	} {
		seeds = append(seeds, te+chunks+next)
	}
	return seeds
}
