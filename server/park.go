package server

import (
	"errors"
	"runtime"
	"time"
)

const (
	// defaultParkAfter is how long a connection waits for a request in a goroutine
	// before it is parked: long enough that one in regular use never is.
	defaultParkAfter = time.Second
	// many connections with a goroutine make those that wait park sooner, so that
	// a flood of them does not leave its mark on the memory.
	many = 256
)

// lot is what connections wait with that have been quiet for a while: no
// goroutine, no buffers, only the socket in an epoll set. Server.mu guards it, but
// for the poller's wait.
type lot struct {
	after  time.Duration // 0: nothing is ever parked
	poller *poller
	byFD   []*Conn
	count  int64
	due    time.Duration // when to look for ones that have waited too long; 0: never
	tidyAt int64         // so many are worth a collection of garbage
}

// ready is a socket that was told to have something to read.
type ready struct {
	fd     int
	hungUp bool // the peer sends no more, or is gone
}

// openLot makes parking possible, where it is, from the first Commit on. A later
// one may bring other timeouts.
func (s *Server) openLot() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.lot.after <= 0:
		return
	case s.lot.poller != nil:
		s.schedule()
		return
	}
	p, err := newPoller()
	if err != nil {
		s.lot.after = 0
		if !errors.Is(err, errors.ErrUnsupported) {
			s.trouble("cannot make an epoll set; idle connections keep their buffers", err)
		}
		return
	}
	s.lot.poller, s.crew.open = p, true
	go s.attend(p)
}

// closeLot ends parking: what is parked is closed, as is what would be from now on.
func (s *Server) closeLot() {
	s.cut(s.parked)
	s.mu.Lock()
	p := s.lot.poller
	s.lot.poller, s.lot.due = nil, 0
	s.crew.open = false
	s.crew.dismiss(len(s.crew.idle))
	s.mu.Unlock()
	if p != nil {
		p.close() // waits for a look under way, which takes the lock
	}
}

// clock is the time that parked connections are timed by.
func (s *Server) clock() time.Duration { return time.Since(s.began) }

// Parked returns the number of open client connections that are parked: they have
// been quiet for a while, and have no goroutine and no buffers.
func (s *Server) Parked() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lot.count
}

// patience is how long a connection that may wait for d does so in its goroutine.
// s.lot.after is set before the first connection, so it needs no lock.
func (s *Server) patience(d time.Duration) time.Duration {
	after := s.lot.after
	if n := s.active.Load(); n > many {
		after = after * many / time.Duration(n)
	}
	if after > 0 && (d == 0 || after < d) {
		return after
	}
	return d
}

// crowded reports whether connections that wait do without a buffer.
func (s *Server) crowded() bool { return s.active.Load() > many }

// park lets a connection wait without its goroutine, which ends. It must not have
// any bytes of a request. Where it cannot be parked the connection is to be closed.
func (s *Server) park(c *Conn) bool {
	if c.work != nil {
		// The sweep takes over, and the next read or write arms anew.
		_ = c.Conn.SetDeadline(time.Time{})
	}
	s.mu.Lock()
	w := c.work
	parked := c.list != nil && s.watch(c)
	if parked {
		// Nobody else has seen it yet: who is told of it needs the lock.
		c.work = nil
		s.active.Add(-1)
		c.moveTo(s.queueOf(c))
		s.parkedOne(c)
		s.enlist(c)
	}
	s.mu.Unlock()
	if parked && w != nil {
		w.release()
	}
	return parked
}

// watch has the poller tell when something comes from c. It needs the lock.
func (s *Server) watch(c *Conn) bool {
	socket, ok := c.Conn.(interface{ Descriptor() int })
	if !ok || s.lot.poller == nil {
		return false
	}
	s.rest(c)
	fd := socket.Descriptor()
	if s.lot.poller.watch(fd, c.watched) != nil {
		return false
	}
	c.watched, c.fd = true, int32(fd)
	s.lot.put(c)
	return true
}

// parkedOne sees to what is due when c was parked. It needs the lock.
func (s *Server) parkedOne(c *Conn) {
	if c.prev == nil { // else others of its list are due before
		s.schedule()
	}
	s.tidy()
}

// rest saves memory of a connection that is about to be parked, if many are open: it
// costs some system calls, and some more when the connection is used again. It needs
// the lock.
func (s *Server) rest(c *Conn) {
	if s.open <= many {
		return
	}
	resting, ok := c.Conn.(interface{ Rest() error })
	if !ok {
		return
	}
	if c.watched {
		s.lot.poller.forget(int(c.fd))
		c.watched = false
	}
	_ = resting.Rest() // else it stays as it is
}

func (l *lot) put(c *Conn) {
	for int(c.fd) >= len(l.byFD) {
		l.byFD = append(l.byFD, nil)
	}
	l.byFD[c.fd] = c
	l.count++
}

const (
	fewestToTidy = 1000
	tidyPause    = 2 * time.Second
)

// tidy returns the memory that connections had before they were parked, once they
// are many: a process that has gone quiet does not collect its garbage for
// minutes. Pools are emptied by the second collection, and the stacks of goroutines
// that wait for connections are garbage once they have ended. It needs the lock.
func (s *Server) tidy() {
	if s.lot.tidyAt = max(s.lot.tidyAt, fewestToTidy); s.lot.count < s.lot.tidyAt {
		return
	}
	s.lot.tidyAt = 2 * s.lot.count
	s.crew.dismiss(len(s.crew.idle))
	s.crew.spare = 0
	for i := range time.Duration(3) {
		time.AfterFunc((i+1)*tidyPause, runtime.GC)
	}
}

// queueOf returns the list that c is to be parked on.
func (s *Server) queueOf(c *Conn) *connList {
	switch {
	case c.leaving():
		c.since = s.clock()
		return &s.lists.last
	case c.requests == 0:
		return &s.lists.fresh
	}
	return &s.lists.kept
}

// unpark has c be active again. It needs the lock.
func (s *Server) unpark(c *Conn) {
	s.lot.byFD[c.fd] = nil
	s.active.Add(1)
	if s.lot.count--; s.lot.count == 0 {
		s.lot.tidyAt = 0
	}
	c.resumed = true
	c.moveTo(&s.lists.active)
}

// parked reports whether c is parked. It needs the lock.
func (s *Server) parked(c *Conn) bool { return c.list != nil && c.list != &s.lists.active }

// lastCall has a parked connection end soon, for a drain. It needs the lock.
func (s *Server) lastCall(c *Conn) {
	if c.list == &s.lists.last {
		return
	}
	c.since = s.clock()
	c.moveTo(&s.lists.last)
	s.schedule()
}

// queue is a list of parked connections and how long they may wait. As all of one
// list may for the same time, the first is the first to go.
type queue struct {
	*connList
	timeout time.Duration // 0: no limit
}

func (s *Server) queues() [3]queue {
	settings := s.settings.Load()
	return [3]queue{
		{&s.lists.fresh, settings.HeaderTimeout},
		{&s.lists.kept, settings.IdleTimeout},
		{&s.lists.last, lastCallTime},
	}
}

// schedule sees to it that the next connection that waits too long is found in
// time. As with a [sock.Deadline], a quarter more will do. It needs the lock.
func (s *Server) schedule() {
	due := time.Duration(0)
	for _, q := range s.queues() {
		if q.first == nil || q.timeout == 0 {
			continue
		}
		if at := q.first.since + q.timeout + q.timeout/4; due == 0 || at < due {
			due = at
		}
	}
	if due == 0 || s.lot.due != 0 && s.lot.due <= due || s.lot.poller == nil {
		return
	}
	s.lot.due = due
	_ = s.lot.poller.until(s.began.Add(due))
}

// expired unparks those that have waited too long. It needs the lock.
func (s *Server) expired(dst []*Conn) []*Conn {
	now := s.clock()
	if s.lot.due == 0 || now < s.lot.due {
		return dst
	}
	s.lot.due = 0
	_ = s.lot.poller.until(time.Time{})
	for _, q := range s.queues() {
		for c := q.first; c != nil && q.timeout > 0 && c.since+q.timeout <= now; c = q.first {
			s.unpark(c)
			dst = append(dst, c)
		}
	}
	s.schedule()
	return dst
}

// lookAgain is after how many new connections one is read from at once again, since
// one had sent nothing yet: when clients are slower than accepting, all are.
const lookAgain = 16

// looks reports whether a new connection is to be read from at once. Only g's own
// goroutine calls it.
func (g *gate) looks() bool {
	if g.srv.lot.after > 0 && g.unlooked > 0 {
		g.unlooked--
		return false
	}
	return true
}

// asksAlready reports whether a new connection is to be served now. One that has
// sent nothing yet is parked until it does. Only g's own goroutine calls it.
func (g *gate) asksAlready(c *Conn) bool {
	s := g.srv
	if s.lot.after <= 0 {
		return true
	}
	c.work = acquireWork(c)
	c.settings = s.settings.Load()
	c.needInbound()
	n, err := c.stream.TryRead(c.in.buf)
	switch {
	case n > 0:
		c.in.w = n
		return true
	case err != nil:
		c.closing = true
		_ = c.Close()
		return false
	}
	g.unlooked = lookAgain - 1
	c.since = s.clock()
	return !s.park(c)
}
