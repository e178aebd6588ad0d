package upstream

import (
	"bufio"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// overPipe opens a trip to a target whose one connection is the near end of a
// pipe; serve has the far end.
func overPipe(t *testing.T, timeouts config.Timeouts, serve func(far net.Conn)) (*Trip, *Pool) {
	t.Helper()
	pool, err := NewPool("u", config.Upstream{
		Balance: "round_robin", Targets: []config.Target{{Address: "192.0.2.1:80", Weight: 1}}, Timeouts: timeouts,
		Connections: config.Connections{Max: 1, Queue: 1, IdleTimeout: config.Duration(time.Hour)},
	}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	target := pool.Targets[0]
	target.client.DialTimeout = func(string, time.Duration) (net.Conn, error) { return newConn(near, nil), nil }
	go func() {
		defer far.Close()
		br := bufio.NewReader(far)
		for line := ""; line != "\r\n"; {
			if line, err = br.ReadString('\n'); err != nil {
				return
			}
		}
		serve(far)
	}()
	trip := &Trip{}
	if err := trip.Open(target, pool, ReuseAny, time.Now(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := trip.Send([]byte("GET / HTTP/1.1\r\n\r\n"), time.Now()); err != nil {
		t.Fatal(err)
	}
	return trip, pool
}

// finish ends a trip and outlives what watches over idle connections.
func finish(trip *Trip) {
	trip.End(false, Outcome{Now: time.Now()})
	time.Sleep(2 * time.Hour)
}

// drip writes text and then a byte every second, for as long as somebody reads.
func drip(text string) func(net.Conn) {
	return func(far net.Conn) {
		_, err := io.WriteString(far, text)
		for err == nil {
			time.Sleep(time.Second)
			_, err = far.Write([]byte("x"))
		}
	}
}

func silent(far net.Conn) { _, _ = far.Read(make([]byte, 1)) }

func say(text string) func(net.Conn) {
	return func(far net.Conn) {
		_, _ = io.WriteString(far, text)
		silent(far)
	}
}

// someone is a client that leaves after a time.
type someone struct{ until time.Time }

func (s someone) Gone() bool { return !s.until.IsZero() && time.Now().After(s.until) }

// TestTimeoutsAreKept measures on a clock of its own how late each timeout is.
func TestTimeoutsAreKept(t *testing.T) {
	const limit = 30 * time.Second
	header, idle := config.Timeouts{ResponseHeader: config.Duration(limit)}, config.Timeouts{Idle: config.Duration(limit)}
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	cases := []struct {
		name     string
		timeouts config.Timeouts
		serve    func(net.Conn)
		reason   exchange.Reason
	}{
		{"silence", header, silent, exchange.ResponseTimeout},
		{"half a status line", header, say("HTTP/1.1 "), exchange.ResponseTimeout},
		{"a head drop by drop", header, drip("HTTP/1.1 200 OK\r\nA: "), exchange.ResponseTimeout},
		{"silence in a body", idle, say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), exchange.UpstreamIdle},
		{"silence in a chunk", idle, say(chunked + "9\r\nabc"), exchange.UpstreamIdle},
		{"silence until close", idle, say("HTTP/1.1 200 OK\r\n\r\nabc"), exchange.UpstreamIdle},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				trip, pool := overPipe(t, c.timeouts, c.serve)
				begun := time.Now()
				err := trip.ReadHead(someone{}, begun, pool.ResponseHeader, false)
				for buf := make([]byte, 64); err == nil; {
					_, err = trip.Next(buf)
				}
				if took := time.Since(begun); took < limit || took > limit+limit/4 {
					t.Errorf("gave up after %v, want from %v to %v", took, limit, limit+limit/4)
				}
				if f, ok := err.(*Failure); !ok || f.Reason != c.reason {
					t.Errorf("failed with %v, want %s", err, c.reason)
				}
				finish(trip)
			})
		})
	}
}

// TestSlowBodyIsNotIdle: a body that comes drop by drop is not cut off.
func TestSlowBodyIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trip, pool := overPipe(t, config.Timeouts{Idle: config.Duration(2 * time.Second)}, drip("HTTP/1.1 200 OK\r\n\r\n"))
		if err := trip.ReadHead(someone{}, time.Now(), pool.ResponseHeader, false); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < 3600; {
			data, err := trip.Next(make([]byte, 64))
			if err != nil {
				t.Fatalf("after %d bytes: %v", got, err)
			}
			got += len(data)
		}
		finish(trip)
	})
}

// TestClientThatLeaves ends the wait for a response soon, which is nobody's fault.
func TestClientThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trip, _ := overPipe(t, config.Timeouts{}, silent)
		begun := time.Now()
		err := trip.ReadHead(someone{until: begun.Add(time.Minute)}, begun, 0, false)
		if f, ok := err.(*Failure); !ok || f.Reason != exchange.ClientClosed || f.Stale || f.Unsent {
			t.Errorf("failed with %v, want that the client has left", err)
		}
		if took := time.Since(begun); took < time.Minute || took > time.Minute+2*lookEvery {
			t.Errorf("gave up after %v, want soon after %v", took, time.Minute)
		}
		finish(trip)
	})
}
