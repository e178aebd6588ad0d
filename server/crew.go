package server

import (
	"net"
	"time"
)

// crew are goroutines that have served a connection and wait for the next. They are
// fasthttp's, which starts one where none waits; those that there are get their
// connections without its queue and its looks at the clock. Server.mu guards it.
type crew struct {
	open  bool
	idle  []hand // who came last is the next to go
	spare int    // so many of them have not been needed since dismissSpare
	timed bool   // dismissSpare is to come
}

// hand is a goroutine of the crew: what is sent is its next connection, or nil if it
// is to end. There is room for one, so that sending does not wait.
type hand chan *Conn

// handsStay is after how long hands that are not needed end, or twice that: their
// stacks are worth more than starting others.
const handsStay = 2 * time.Second

// errand is a new connection, or one that was parked, as fasthttp gets it: once it is
// served, closing it is not fasthttp's to do.
type errand struct {
	*Conn
	begun bool
}

// Close closes a connection that is not served.
func (e *errand) Close() error {
	if e.begun {
		return nil
	}
	return e.Conn.Close()
}

// serveConn serves a connection to its end, or until it is parked, and others after it.
func (s *Server) serveConn(raw net.Conn) error {
	first := raw.(*errand)
	first.begun = true
	h := make(hand, 1)
	for c := first.Conn; c != nil; c = <-h {
		for c.nextRequest() {
			s.exchange(c)
		}
		c.hand = h
		_ = c.Close()
	}
	return nil
}

// handOn gives a connection to a goroutine that waits for one, if any does.
func (s *Server) handOn(c *Conn) bool {
	s.mu.Lock()
	h := s.crew.take()
	s.mu.Unlock()
	if h == nil {
		return false
	}
	h <- c
	return true
}

// take returns a goroutine that waits, nil if none does. It needs the lock.
func (w *crew) take() hand {
	n := len(w.idle) - 1
	if n < 0 {
		return nil
	}
	h := w.idle[n]
	w.idle[n] = nil
	w.idle = w.idle[:n]
	w.spare = min(w.spare, n)
	return h
}

// enlist has the goroutine that served c wait for another. c is not its any more. It
// needs the lock.
func (s *Server) enlist(c *Conn) {
	h := c.hand
	if h == nil {
		return
	}
	c.hand = nil
	if !s.crew.open {
		h <- nil
		return
	}
	s.crew.idle = append(s.crew.idle, h)
	if !s.crew.timed {
		s.crew.timed = true
		time.AfterFunc(handsStay, s.dismissSpare)
	}
}

// dismissSpare ends the goroutines that were not needed since it was called last.
func (s *Server) dismissSpare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crew.dismiss(s.crew.spare)
	s.crew.spare = len(s.crew.idle)
	if s.crew.timed = s.crew.spare > 0; s.crew.timed {
		time.AfterFunc(handsStay, s.dismissSpare)
	}
}

// dismiss ends n that wait, those first that have waited longest.
func (w *crew) dismiss(n int) {
	for _, h := range w.idle[:n] {
		h <- nil
	}
	left := copy(w.idle, w.idle[n:])
	clear(w.idle[left:])
	w.idle = w.idle[:left]
}
