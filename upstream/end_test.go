package upstream_test

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

// TestEndDecidesReuse has every reason not to use a connection again.
func TestEndDecidesReuse(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	readAll := func(trip *upstream.Trip) { _, _ = body(trip) }
	cases := []struct {
		name, request, response string
		use                     func(*upstream.Trip)
		unsent                  bool
		kept                    bool
	}{
		{name: "read with Next", response: hello, use: readAll, kept: true},
		{name: "read with Whole", response: hello, use: func(trip *upstream.Trip) {
			// What is not in memory yet needs another read.
			if _, whole := trip.Whole(); !whole {
				readAll(trip)
			}
		}, kept: true},
		{name: "no body", response: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", kept: true},
		{name: "length 0", response: ok + "Content-Length: 0\r\n\r\n", kept: true},
		{name: "to HEAD", request: "HEAD / HTTP/1.1\r\n\r\n", response: ok + "Content-Length: 9\r\n\r\n", kept: true},
		{name: "chunked", response: ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", use: readAll, kept: true},
		{name: "HTTP/1.0 that stays", response: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", use: readAll, kept: true},
		{name: "request not sent whole", response: hello, use: readAll, unsent: true},
		{name: "body not read", response: hello},
		{name: "body read in part", response: hello, use: func(trip *upstream.Trip) { _, _ = trip.Next(make([]byte, 2)) }},
		{name: "no final response", response: "HTTP/1.1 103 Early Hints\r\n\r\n" + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
		{name: "Connection: close", response: ok + "Connection: close\r\nContent-Length: 2\r\n\r\nhi", use: readAll},
		{name: "HTTP/1.0", response: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", use: readAll},
		{name: "bytes nobody asked for", response: hello + "HTTP/1.1 200 OK\r\n\r\n", use: readAll},
		{name: "interrupted", response: hello, use: func(trip *upstream.Trip) { readAll(trip); trip.Interrupt() }},
		{name: "taken", response: hello, use: func(trip *upstream.Trip) { readAll(trip); trip.Take() }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := pool(t, definition(nil, tcpOrigin(t, answering(c.response))), nil, nil)
			var trip upstream.Trip
			if err := b.open(&trip); err != nil {
				t.Fatal(err)
			}
			if c.request == "" {
				c.request = get
			}
			if err := b.ask(&trip, c.request); err != nil {
				t.Fatal(err)
			}
			if c.use != nil {
				c.use(&trip)
			}
			end(&trip, !c.unsent)
			if trip.IsOpen() {
				t.Error("still open")
			}
			kept := 0
			if c.kept {
				kept = 1
			}
			wantConnections(t, b.Targets[0], kept, kept)
		})
	}
}

// TestNothingAsked ends a trip over which nothing was sent.
func TestNothingAsked(t *testing.T) {
	b := pool(t, definition(nil, tcpOrigin(t, answering(hello))), nil, nil)
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		t.Fatal(err)
	}
	end(&trip, true)
	wantConnections(t, b.Targets[0], 0, 0)
	if trip.Target() != b.Targets[0] {
		t.Error("where the trip went is forgotten")
	}
}

func TestTripIsUsedAgain(t *testing.T) {
	parts := make(chan string, 8)
	b := pool(t, definition(nil, tcpOrigin(t, stepwise(parts))), nil, nil)
	defer close(parts)
	var trip upstream.Trip
	for _, c := range []struct{ response, body, trailer string }{
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n", "x", "A: b\r\n"},
		{hello, "hello", ""},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", ""},
	} {
		parts <- c.response
		parts <- ""
		if err := b.open(&trip); err != nil {
			t.Fatal(err)
		}
		if err := b.ask(&trip, get); err != nil {
			t.Fatal(err)
		}
		text, err := body(&trip)
		if text != c.body || err != nil || string(trip.Trailer()) != c.trailer {
			t.Errorf("body %q, trailer %q, %v; want %q, %q", text, trip.Trailer(), err, c.body, c.trailer)
		}
		end(&trip, true)
	}
}

// TestInterruptEndsAReadUnderWay does so from another goroutine, before the head
// and within the body.
func TestInterruptEndsAReadUnderWay(t *testing.T) {
	for _, response := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"} {
		reading := make(chan struct{}, 1)
		addr := tcpOrigin(t, func(c net.Conn, br *bufio.Reader) {
			request(br)
			_, _ = io.WriteString(c, response)
			reading <- struct{}{}
			request(br)
		})
		b := pool(t, definition(nil, addr), nil, nil)
		var trip upstream.Trip
		if err := b.open(&trip); err != nil {
			t.Fatal(err)
		}
		go func() {
			<-reading
			trip.Interrupt()
		}()
		err := b.ask(&trip, get)
		if err == nil {
			_, err = body(&trip)
		}
		if err == nil {
			t.Error("the read went on")
		}
		if _, err := trip.Next(make([]byte, 1)); response != "" && err == nil {
			t.Error("a later read goes on")
		}
		if trip.SendBody([]byte("x")) == nil {
			t.Error("a later write goes on")
		}
		end(&trip, true)
		wantConnections(t, b.Targets[0], 0, 0)
	}
}

// TestInterruptEndsAWrite: the origin does not read the body it is sent.
func TestInterruptEndsAWrite(t *testing.T) {
	done := make(chan struct{})
	addr := tcpOrigin(t, func(_ net.Conn, br *bufio.Reader) { request(br); <-done })
	defer close(done)
	b := pool(t, definition(nil, addr), nil, nil)
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	full := make(chan struct{})
	go func() {
		block := make([]byte, 1<<20)
		for sent := 0; ; sent++ {
			if sent == 1 {
				close(full)
			}
			if err := trip.SendBody(block); err != nil {
				failed <- err
				return
			}
		}
	}()
	<-full
	trip.Interrupt()
	if err := <-failed; err == nil {
		t.Error("the write went on")
	}
	end(&trip, false)
}

func TestSendBody(t *testing.T) {
	got := make(chan string, 1)
	addr := tcpOrigin(t, func(c net.Conn, br *bufio.Reader) {
		request(br)
		b := make([]byte, 6)
		_, _ = io.ReadFull(br, b)
		got <- string(b)
		_, _ = io.WriteString(c, hello)
		request(br)
	})
	b := pool(t, definition(nil, addr), nil, nil)
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		t.Fatal(err)
	}
	if err := trip.Send([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"), time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"abc", "def"} {
		if err := trip.SendBody([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if sent := <-got; sent != "abcdef" {
		t.Errorf("the origin got %q", sent)
	}
	if err := trip.ReadHead(nobody{}, time.Now(), b.ResponseHeader, false); err != nil {
		t.Fatal(err)
	}
	_, _ = body(&trip)
	end(&trip, true)
	wantConnections(t, b.Targets[0], 1, 1)
}

// TestTake gives a tunnel the socket and what was read from it too early.
func TestTake(t *testing.T) {
	addr := tcpOrigin(t, func(c net.Conn, br *bufio.Reader) {
		request(br)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly")
		_, _ = io.Copy(c, br)
	})
	b := pool(t, definition(nil, addr), nil, nil)
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		t.Fatal(err)
	}
	if err := b.ask(&trip, get); err != nil {
		t.Fatal(err)
	}
	if trip.Response.Status != 101 {
		t.Fatalf("status %d", trip.Response.Status)
	}
	c, early := trip.Take()
	all := string(early)
	_, _ = io.WriteString(c, "echo")
	buf := make([]byte, len("earlyecho")-len(all))
	_, _ = io.ReadFull(c, buf)
	if all += string(buf); all != "earlyecho" {
		t.Errorf("the tunnel gives %q", all)
	}
	end(&trip, true)
	wantConnections(t, b.Targets[0], 0, 0)
}

func TestObserverIsTold(t *testing.T) {
	b := pool(t, definition(nil, tcpOrigin(t, answering(hello))), nil, nil)
	for range 3 {
		b.wantHello()
	}
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		t.Fatal(err)
	}
	if !trip.Reused() {
		t.Error("the connection is not reused")
	}
	trip.End(false, upstream.Outcome{Now: time.Now(), Reason: exchange.ResponseTimeout, Failed: true})
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if b.w.connected != 1 || b.w.failed != 0 || b.w.stale != 0 || b.w.reused != 3 {
		t.Errorf("told of %d connected, %d failed, %d stale, %d reused; want 1, 0, 0, 3",
			b.w.connected, b.w.failed, b.w.stale, b.w.reused)
	}
	if want := []string{"", "", "", "response_timeout"}; !slices.Equal(b.w.attempts, want) {
		t.Errorf("told of attempts %q, want %q", b.w.attempts, want)
	}
}

func TestFailureText(t *testing.T) {
	f := &upstream.Failure{Reason: exchange.UpstreamClosed, Err: io.EOF}
	if !strings.HasPrefix(f.Error(), "upstream_closed: ") || f.Unwrap() != io.EOF {
		t.Errorf("%v wraps %v", f, f.Unwrap())
	}
}

// TestReusedConnectionDoesNotAllocate counts the whole process, the origin
// included.
func TestReusedConnectionDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	addr := tcpOrigin(t, func(c net.Conn, _ *bufio.Reader) {
		in, out := make([]byte, 512), []byte(hello)
		for {
			if _, err := c.Read(in); err != nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	})
	b := pool(t, definition(passive(5, 0.5), addr), nil, nil)
	b.Start()
	var trip upstream.Trip
	buf, head := make([]byte, 64), []byte(get)
	exchanged := func() {
		now := time.Now()
		if err := trip.Open(b.Targets[0], b.Pool, upstream.ReuseAny, now, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := trip.Send(head, now); err != nil {
			t.Fatal(err)
		}
		if err := trip.ReadHead(nobody{}, now, b.ResponseHeader, false); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := trip.Next(buf); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		trip.End(true, upstream.Outcome{Now: now})
	}
	for range 10 {
		exchanged()
	}
	// A collection may empty a pool in between; so one in ten is let pass.
	if n := testing.AllocsPerRun(1000, exchanged); n >= 0.1 {
		t.Errorf("%v allocations per exchange, want none", n)
	}
}
