package server

import (
	"errors"
	"io"
	"net"
	"os"

	"github.com/sluiceproxy/sluice/sock"
)

// attend serves parked connections that are asked something, and closes those
// whose client has left or that have waited too long.
func (s *Server) attend(p *poller) {
	// What is ready is to the engine as what a listener has accepted.
	_ = s.engine.Serve(&attendant{srv: s, poller: p})
}

// attendant is parked connections as a [net.Listener]: it accepts those that ask
// something and that no goroutine of the crew waits for.
type attendant struct {
	srv    *Server
	poller *poller
	batch  []job
	over   []*Conn // to be closed
	asking []*Conn // to be served, from next on
	next   int
}

// job is a connection that asks something, and who is to serve it.
type job struct {
	c *Conn
	h hand
}

// Accept waits for the next connection that another goroutine is to serve.
func (a *attendant) Accept() (net.Conn, error) {
	for a.next == len(a.asking) {
		a.asking, a.next = a.asking[:0], 0
		err := a.poller.wait(a.attend)
		switch {
		case errors.Is(err, os.ErrClosed):
			return nil, io.EOF
		case sock.IsTimeout(err):
			a.attend(nil)
		case err != nil:
			a.srv.trouble("cannot wait for idle connections; closing them", err)
			a.srv.closeLot()
			return nil, io.EOF
		}
	}
	c := a.asking[a.next]
	a.asking[a.next] = nil
	a.next++
	return &errand{Conn: c}, nil
}

// Addr is of no use; connections have one.
func (*attendant) Addr() net.Addr { return nil }

// Close is called by fasthttp when its loop ends.
func (*attendant) Close() error { return nil }

// attend has those that are ready served or closed, and those closed that have waited
// too long. It returns false where Accept has one to return.
func (a *attendant) attend(batch []ready) (again bool) {
	a.srv.wake(a, batch)
	for i, j := range a.batch {
		if j.h != nil {
			j.h <- j.c
		} else {
			a.asking = append(a.asking, j.c)
		}
		a.batch[i] = job{}
	}
	a.batch = a.batch[:0]
	for i, c := range a.over {
		_ = c.Close()
		a.over[i] = nil
	}
	a.over = a.over[:0]
	return len(a.asking) == 0
}

// wake unparks what is ready or has waited too long.
func (s *Server) wake(a *attendant, batch []ready) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range batch {
		if r.fd >= len(s.lot.byFD) || s.lot.byFD[r.fd] == nil {
			continue // it was closed meanwhile
		}
		c := s.lot.byFD[r.fd]
		s.unpark(c)
		if r.hungUp && !hasBytes(r.fd) {
			a.over = append(a.over, c)
		} else {
			a.batch = append(a.batch, job{c, s.crew.take()})
		}
	}
	a.over = s.expired(a.over)
}
