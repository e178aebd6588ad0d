package upstream_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// stepwise answers a request with the parts it is sent, one at a time, each when
// the one before has been acknowledged by the reader.
func stepwise(parts <-chan string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, br *bufio.Reader) {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetNoDelay(true)
		}
		for request(br) {
			for part := range parts {
				if part == "" {
					break // the response is complete
				}
				_, _ = io.WriteString(c, part)
			}
		}
	}
}

// TestResponseSplitAnywhere cuts responses in two at every byte. The second part
// is sent when the first is being read, or at the latest together with it.
func TestResponseSplitAnywhere(t *testing.T) {
	cases := []struct{ name, response, body, trailer string }{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello", "hello", ""},
		{"empty", "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", "", ""},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=\"y\"\r\nlo\r\n0\r\nT: v\r\n\r\n", "hello", "T: v\r\n"},
		{"interim", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			parts := make(chan string)
			b := pool(t, definition(nil, tcpOrigin(t, stepwise(parts))), nil, nil)
			var senders sync.WaitGroup
			for at := 1; at < len(c.response); at++ {
				senders.Go(func() {
					for _, part := range []string{c.response[:at], c.response[at:], ""} {
						parts <- part
					}
				})
				text, trailer, err := b.final()
				if err != nil || text != c.body || trailer != c.trailer {
					t.Fatalf("cut at %d: body %q, trailer %q, %v; want %q, %q", at, text, trailer, err, c.body, c.trailer)
				}
			}
			senders.Wait()
			close(parts)
			if _, made := b.w.dials(); made != 1 {
				t.Errorf("%d connections, want 1", made)
			}
		})
	}
}

// final does an exchange and returns the body and trailer of the final response.
func (b *bed) final() (text, trailer string, err error) {
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		return "", "", err
	}
	defer func() { end(&trip, true) }()
	if err = b.ask(&trip, get); err != nil {
		return "", "", err
	}
	for trip.Response.Status < 200 {
		if err = trip.ReadHead(nobody{}, time.Now(), b.ResponseHeader, false); err != nil {
			return "", "", err
		}
	}
	text, err = body(&trip)
	return text, string(trip.Trailer()), err
}

// TestFramingComesBeforeData: a read that finds only the size of a chunk says so
// instead of waiting for its data.
func TestFramingComesBeforeData(t *testing.T) {
	parts := make(chan string, 8)
	b := pool(t, definition(nil, tcpOrigin(t, stepwise(parts))), nil, nil)
	parts <- "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		t.Fatal(err)
	}
	defer func() { end(&trip, false); close(parts) }()
	if err := b.ask(&trip, get); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	data, err := trip.Next(buf)
	if len(data) != 0 || err != nil {
		t.Fatalf("got %q, %v; want nothing yet", data, err)
	}
	parts <- "hello\r\n0\r\n\r\n"
	if data, err = trip.Next(buf); string(data) != "hello" || err != nil {
		t.Errorf("got %q, %v; want hello", data, err)
	}
	if data, err = trip.Next(buf); len(data) != 0 || err != io.EOF || !trip.Done() {
		t.Errorf("got %q, %v, done %v; want the end", data, err, trip.Done())
	}
}

// TestEndsOfResponses: what is cut short is never taken for whole.
func TestEndsOfResponses(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	cases := []struct {
		name, response string
		reset          bool
		body           string
		reason         exchange.Reason // OK for a proper end
	}{
		{"close-delimited", ok + "\r\nhello", false, "hello", exchange.OK},
		{"close-delimited, empty", ok + "\r\n", false, "", exchange.OK},
		{"close-delimited, reset", ok + "\r\nhello", true, "hello", exchange.ResponseTruncated},
		{"length", ok + "Content-Length: 5\r\n\r\nhello", false, "hello", exchange.OK},
		{"length, short", ok + "Content-Length: 6\r\n\r\nhello", false, "hello", exchange.ResponseTruncated},
		{"length, nothing", ok + "Content-Length: 6\r\n\r\n", false, "", exchange.ResponseTruncated},
		{"length, reset", ok + "Content-Length: 6\r\n\r\nhello", true, "hello", exchange.ResponseTruncated},
		{"chunked, no last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false, "hello", exchange.ResponseTruncated},
		{"chunked, in data", ok + "Transfer-Encoding: chunked\r\n\r\n6\r\nhello", false, "hello", exchange.ResponseTruncated},
		{"chunked, in last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", false, "hello", exchange.ResponseTruncated},
		{"chunked, malformed", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", false, "hello", exchange.UpstreamMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			read := make(chan struct{})
			haveAll := sync.OnceFunc(func() { close(read) })
			addr := tcpOrigin(t, func(c2 net.Conn, br *bufio.Reader) {
				if request(br) {
					_, _ = io.WriteString(c2, c.response)
				}
				if c.reset {
					<-read // a reset discards what has not been read
					_ = c2.(*net.TCPConn).SetLinger(0)
				}
			})
			b := pool(t, definition(nil, addr), nil, nil)
			var trip upstream.Trip
			if err := b.open(&trip); err != nil {
				t.Fatal(err)
			}
			defer func() {
				end(&trip, true)
				wantConnections(t, b.Targets[0], kept(c.name), kept(c.name))
			}()
			if err := b.ask(&trip, get); err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			var err error
			for buf := make([]byte, 64); err == nil; {
				var data []byte
				data, err = trip.Next(buf)
				if text.Write(data); text.String() == c.body {
					haveAll()
				}
			}
			if text.String() != c.body {
				t.Errorf("read %q, want %q", text.String(), c.body)
			}
			if c.reason == exchange.OK {
				if err != io.EOF || !trip.Done() {
					t.Errorf("ended with %v, done %v; want the proper end", err, trip.Done())
				}
				return
			}
			wantFailure(t, err, c.reason)
			if trip.Done() {
				t.Error("taken for done")
			}
		})
	}
}

// kept is how many connections are left after a case of TestEndsOfResponses.
func kept(name string) int {
	if name == "length" {
		return 1
	}
	return 0
}

func TestNoWholeHead(t *testing.T) {
	cases := []struct {
		name, response string
		reason         exchange.Reason
		is             error
	}{
		{"nothing", "", exchange.UpstreamClosed, io.EOF},
		{"half a head", "HTTP/1.1 200 OK\r\nA: ", exchange.UpstreamClosed, nil},
		{"another protocol", "SSH-2.0-x\r\n", exchange.UpstreamMalformed, wire.ErrStatusLine},
		{"too long", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", exchange.UpstreamMalformed, wire.ErrResponseTooLong},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", exchange.UpstreamMalformed, wire.ErrResponseLength},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := pool(t, definition(nil, tcpOrigin(t, once(c.response, false))), nil, nil)
			_, err := b.get()
			f := wantFailure(t, err, c.reason)
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want %v", err, c.is)
			}
			if f.Stale || f.Unsent {
				t.Errorf("failure %+v of a new connection; want neither stale nor unsent", f)
			}
			wantConnections(t, b.Targets[0], 0, 0)
		})
	}
}

// TestClosedOnReuse: the origin closes just as the next request arrives, which no
// look could have told.
func TestClosedOnReuse(t *testing.T) {
	for name, partly := range map[string]string{"nothing": "", "a part": "HTTP/1.1 2"} {
		addr := tcpOrigin(t, func(c net.Conn, br *bufio.Reader) {
			if request(br) {
				_, _ = io.WriteString(c, hello)
				request(br)
				_, _ = io.WriteString(c, partly)
			}
		})
		b := pool(t, definition(nil, addr), nil, nil)
		b.wantHello()
		_, err := b.get()
		f := wantFailure(t, err, exchange.UpstreamClosed)
		if f.Stale != (partly == "") || f.Unsent {
			t.Errorf("%s of an answer: failure %+v", name, f)
		}
		b.w.mu.Lock()
		if want := map[bool]int{true: 1, false: 0}[f.Stale]; b.w.stale != want || b.w.reused != 1 {
			t.Errorf("%s of an answer: told of %d stale, %d reused; want %d, 1", name, b.w.stale, b.w.reused, want)
		}
		b.w.mu.Unlock()
	}
}

// TestTimeouts lets the origin pause for ever at one place.
func TestTimeouts(t *testing.T) {
	const limit = 50 * time.Millisecond
	short := config.Duration(limit)
	const ok = "HTTP/1.1 200 OK\r\n"
	cases := []struct {
		name, response string
		edit           func(*config.Upstream)
		whole          time.Duration // the time for the request; 0 for no limit
		reason         exchange.Reason
	}{
		{"before the head", "", func(d *config.Upstream) { d.Timeouts.ResponseHeader = short }, 0, exchange.ResponseTimeout},
		{"in the head", ok + "A:", func(d *config.Upstream) { d.Timeouts.ResponseHeader = short }, 0, exchange.ResponseTimeout},
		{"in a body with a length", ok + "Content-Length: 9\r\n\r\nabc", func(d *config.Upstream) { d.Timeouts.Idle = short }, 0, exchange.UpstreamIdle},
		{"in a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n9\r\nabc", func(d *config.Upstream) { d.Timeouts.Idle = short }, 0, exchange.UpstreamIdle},
		{"in a body until close", ok + "\r\nabc", func(d *config.Upstream) { d.Timeouts.Idle = short }, 0, exchange.UpstreamIdle},
		{"before the head, over the request's time", "", nil, limit, exchange.ResponseTimeout},
		{"before the head, without other limits", "", func(d *config.Upstream) { d.Timeouts.ResponseHeader = 0 }, limit, exchange.ResponseTimeout},
		{"in a body, over the request's time", ok + "\r\nabc", nil, limit, exchange.UpstreamIdle},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			addr := tcpOrigin(t, func(conn net.Conn, br *bufio.Reader) {
				request(br)
				_, _ = io.WriteString(conn, c.response)
				request(br) // until the other side ends it
			})
			b := pool(t, definition(c.edit, addr), nil, nil)
			begun, until := time.Now(), time.Time{}
			if c.whole > 0 {
				until = begun.Add(c.whole)
			}
			var trip upstream.Trip
			if err := trip.Open(b.Targets[0], b.Pool, upstream.ReuseAny, begun, until); err != nil {
				t.Fatal(err)
			}
			err := b.ask(&trip, get)
			if err == nil {
				_, err = body(&trip)
			}
			wantFailure(t, err, c.reason)
			if took := time.Since(begun); took < limit || took > 9*time.Second {
				t.Errorf("gave up after %v, want about %v", took, limit)
			}
			end(&trip, true)
			wantConnections(t, b.Targets[0], 0, 0)
		})
	}
}
