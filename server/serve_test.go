package server_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestWhatComesWhileARequestIsServed: on a connection that serves one request after
// the other within one wait, whatever comes meanwhile is seen at once. Nothing is parked,
// so that nothing would come to light by that.
func TestWhatComesWhileARequestIsServed(t *testing.T) {
	const (
		hold = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
		post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
	)
	end := func(p *peer) { _ = p.Conn.(*net.TCPConn).CloseWrite() }
	cases := map[string]struct {
		meanwhile func(p *peer)
		after     func(p *peer) // the held one was answered
		answers   int
		ends      bool
	}{
		"a request":       {meanwhile: func(p *peer) { p.send(ask) }, answers: 1},
		"several":         {meanwhile: func(p *peer) { p.send(ask, ask).send(ask) }, answers: 3},
		"half a request":  {meanwhile: func(p *peer) { p.send(ask[:9]) }, after: func(p *peer) { p.send(ask[9:]) }, answers: 1},
		"a head":          {meanwhile: func(p *peer) { p.send(post) }, after: func(p *peer) { p.send("some body") }, answers: 1},
		"a body in parts": {meanwhile: func(p *peer) { p.send(post, "some") }, after: func(p *peer) { p.send(" body", ask) }, answers: 2},
		"the end":         {meanwhile: end, ends: true},
		"nothing":         {after: func(p *peer) { p.send(ask) }, answers: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newParkingEdge(t, time.Hour, nil)
			e.use(limits(nil), here)
			p := e.dial(here)
			for range 3 {
				p.send(ask).ok()
			}
			p.send(hold)
			<-e.begun
			if c.meanwhile != nil {
				c.meanwhile(p)
			}
			e.release <- struct{}{}
			p.ok()
			if c.after != nil {
				c.after(p)
			}
			for range c.answers {
				p.ok()
			}
			if c.ends {
				if rest := p.rest(); rest != "" {
					t.Errorf("sends %q after its end", rest)
				}
				return
			}
			p.send(ask).ok()
		})
	}
}

// TestBodyThatComesWithItsHead is served like a request without, and one of which a
// part is missing is waited for.
func TestBodyThatComesWithItsHead(t *testing.T) {
	e := newParkingEdge(t, time.Hour, nil)
	e.use(limits(nil), here)
	p := e.dial(here)
	p.send(ask).ok()
	for _, body := range []string{"", "x", strings.Repeat("y", 5000)} {
		head := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
		p.send(head + body).ok()
		p.send(head + body + ask).ok()
		p.ok()
		p.send(head).send(body).ok()
	}
}

// TestEndWithTheFirstRequest: a client that says all it has to say at once, and ends
// its side, need not wait for the connection's end.
func TestEndWithTheFirstRequest(t *testing.T) {
	e := newParkingEdge(t, time.Hour, nil)
	e.use(limits(nil), here)
	p := e.dial(here).send(ask)
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	p.ok()
	if rest := p.rest(); rest != "" {
		t.Errorf("sends %q after its end", rest)
	}
}

// TestEndWithALaterRequest: what comes with a later one is not looked for at once, but
// when the connection is to be parked.
func TestEndWithALaterRequest(t *testing.T) {
	e := newParkingEdge(t, 10*time.Millisecond, nil)
	e.use(limits(nil), here)
	p := e.dial(here)
	for range 3 {
		p.send(ask).ok()
	}
	p.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
	<-e.begun
	p.send(ask)
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	e.release <- struct{}{}
	p.ok()
	p.ok()
	if rest := p.rest(); rest != "" {
		t.Errorf("sends %q after its end", rest)
	}
}

// TestDrainWhileARequestIsServed ends the connection with its answer, though it
// waits for the next one by itself.
func TestDrainWhileARequestIsServed(t *testing.T) {
	e := newParkingEdge(t, time.Hour, nil)
	e.use(limits(nil), here)
	p := e.dial(here)
	for range 3 {
		p.send(ask).ok()
	}
	p.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
	<-e.begun
	ended := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		ended <- e.Shutdown(ctx)
	}()
	within(t, "it drains", func() bool {
		c, err := net.DialTimeout("tcp", p.RemoteAddr().String(), time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	e.release <- struct{}{}
	_ = p.ok() // that it drains may have come too late for the answer
	if rest := p.rest(); rest != "" {
		t.Errorf("sends %q after the last answer", rest)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestClientLeavesWhileItsRequestIsServed frees the connection.
func TestClientLeavesWhileItsRequestIsServed(t *testing.T) {
	e := newParkingEdge(t, time.Hour, nil)
	e.use(limits(nil), here)
	for _, reset := range []bool{false, true} {
		p := e.dial(here)
		for range 3 {
			p.send(ask).ok()
		}
		p.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
		<-e.begun
		if reset {
			_ = p.Conn.(*net.TCPConn).SetLinger(0)
		}
		_ = p.Close()
		e.release <- struct{}{}
		within(t, "the connection is gone", func() bool { return e.Open() == 0 })
	}
}
