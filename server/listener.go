package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/sock"
)

// listener is one listening socket.
type listener struct {
	net.Listener
	acceptor *sock.Acceptor
	srv      *Server
	address  string
	deferred *bool // nil: not known, as it may be another process's socket
	gate     *gate
}

// gate is what one accept loop accepts from, until it is shut.
type gate struct {
	*listener
	shut  atomic.Bool
	empty atomic.Bool   // before it ends, it takes what waits to be accepted
	taken int           // connections taken since
	done  chan struct{} // closed when the loop has ended

	unlooked int           // so many new connections more are not read from at once
	pause    time.Duration // after the last failure
	begins   *Conn         // a connection that another goroutine is to serve
}

// serve starts an accept loop for engine, after ending the one before.
func (l *listener) serve(engine *fasthttp.Server) {
	l.stop(false)
	_ = l.acceptor.SetDeadline(time.Time{})
	g := &gate{listener: l, done: make(chan struct{})}
	l.gate = g
	go func() {
		defer close(g.done)
		// The loop ends when its gate is shut, which is no error.
		_ = engine.Serve(g)
	}()
}

// stop ends the accept loop and leaves the socket open. With empty, connections
// that wait to be accepted still are: closing the socket would reset them.
func (l *listener) stop(empty bool) {
	if l.gate == nil {
		return
	}
	l.gate.empty.Store(empty)
	l.gate.shut.Store(true)
	l.srv.wakeHeld()
	_ = l.acceptor.SetDeadline(sock.Past)
	<-l.gate.done
	l.gate = nil
}

// deferAccept has new connections come once they have something to read, or as soon as
// they are there.
func (l *listener) deferAccept(on bool) {
	if l.deferred != nil && *l.deferred == on {
		return
	}
	l.deferred = &on
	if err := l.acceptor.Defer(on); err != nil && on { // a socket that cannot does not
		l.srv.trouble("cannot defer connections on "+l.address, err)
	}
}

func (l *listener) close() {
	l.stop(true)
	l.shut()
}

// shut closes the socket.
func (l *listener) shut() {
	_ = l.acceptor.Close()
	_ = l.Listener.Close()
}

// Close is called by fasthttp when its loop ends; the socket is not its to close.
func (g *gate) Close() error { return nil }

// longestPause bounds the wait after a failed Accept.
const longestPause = time.Second

// Accept waits for a connection that another goroutine is to serve. Running out of
// descriptors or memory pauses accepting and never ends it.
func (g *gate) Accept() (net.Conn, error) {
	for {
		g.awaitRoom()
		err := g.acceptor.Each(g.take)
		if err != nil && g.shut.Load() && g.empty.Load() {
			var raw net.Conn
			if raw, err = g.takeWaiting(); err == nil {
				g.take(raw)
			}
		}
		switch {
		case g.begins != nil:
			// Served even if the gate was shut meanwhile: whoever shut it waits
			// for the loop, and finds the connection on the server's list.
			c := g.begins
			g.begins = nil
			return &errand{Conn: c}, nil
		case err == nil:
			// Look for room, or whether the gate was shut.
		case g.shut.Load() || errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		default:
			if g.pause == 0 {
				g.srv.trouble("cannot accept connections on "+g.address+"; trying again", err)
			}
			g.pause = min(max(2*g.pause, 5*time.Millisecond), longestPause)
			time.Sleep(g.pause)
		}
	}
}

// take has a new connection served, parked or turned away. It returns false where
// Accept has to see to something.
func (g *gate) take(raw net.Conn) (again bool) {
	g.pause = 0
	c := newConn(raw, g.listener)
	added, parked, full := g.srv.add(c, !g.looks())
	switch {
	case !added:
		g.srv.turnAway(c)
	case !parked && g.asksAlready(c) && !g.srv.handOn(c):
		g.begins = c
	}
	return g.begins == nil && !full && !g.shut.Load()
}

// longestQueue bounds what is taken from a queue that keeps being filled.
const longestQueue = 4096

// takeWaiting accepts a connection that waits already, whatever the deadline of
// the socket.
func (g *gate) takeWaiting() (net.Conn, error) {
	if g.taken == longestQueue || g.srv.noRoom() {
		return nil, net.ErrClosed
	}
	g.taken++
	return g.acceptor.AcceptNow()
}

func newConn(raw net.Conn, l *listener) *Conn {
	return &Conn{Conn: raw, srv: l.srv, owner: l}
}

func (s *Server) trouble(msg string, err error) {
	if s.opts.Trouble != nil {
		s.opts.Trouble(msg, err)
	}
}

// Change is a set of listeners and limits that is ready to take the place of the
// present one. Its new sockets listen already, so that a client that connects
// early waits rather than fails.
type Change struct {
	srv      *Server
	settings *Settings
	drain    time.Duration
	opened   []*listener
	wanted   map[string]bool
	deferred map[string]bool // by address
}

// ListenError says which listener of the config cannot be opened.
type ListenError struct {
	Index   int // in listeners
	Address string
	Err     error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("cannot listen on %s: %v", e.Address, e.Err)
}

func (e *ListenError) Unwrap() error { return e.Err }

// Prepare opens the sockets that the config wants and the server has not. It
// changes nothing else; end it by Commit or Discard. The error joins a
// [*ListenError] for each address that cannot be listened on.
func (s *Server) Prepare(ctx context.Context, listeners []config.Listener, limits config.Limits) (*Change, error) {
	c := &Change{srv: s, settings: settingsOf(limits), drain: limits.DrainTimeout.D(), wanted: map[string]bool{}, deferred: map[string]bool{}}
	var errs []error
	for i, l := range listeners {
		c.wanted[l.Address] = true
		c.deferred[l.Address] = l.DeferAccept
		if s.has(l.Address) {
			continue
		}
		opened, err := s.listen(ctx, l.Address)
		if err != nil {
			errs = append(errs, &ListenError{Index: i, Address: l.Address, Err: err})
			continue
		}
		c.opened = append(c.opened, opened)
	}
	if len(errs) > 0 {
		c.Discard()
		return nil, errors.Join(errs...)
	}
	return c, nil
}

func (s *Server) listen(ctx context.Context, address string) (*listener, error) {
	socket, err := s.opts.Listen(ctx, address)
	if err != nil {
		return nil, err
	}
	acceptor, err := sock.NewAcceptor(socket)
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	return &listener{Listener: socket, acceptor: acceptor, srv: s, address: address}, nil
}

func (s *Server) has(address string) bool {
	s.listening.Lock()
	defer s.listening.Unlock()
	return s.listeners[address] != nil
}

// Discard closes what Prepare opened.
func (c *Change) Discard() {
	for _, l := range c.opened {
		l.shut()
	}
}

// Commit puts the change in force: new listeners accept, those no longer wanted
// are closed and their connections end with the exchange they are in, at the
// latest after limits.drain_timeout.
func (c *Change) Commit() {
	s := c.srv
	s.settings.Store(c.settings)
	s.openLot()
	gone := map[*listener]bool{}
	s.listening.Lock()
	for address, l := range s.listeners {
		if !c.wanted[address] {
			gone[l] = true
			delete(s.listeners, address)
		}
	}
	for _, l := range c.opened {
		s.listeners[l.address] = l
		l.serve(s.engine)
	}
	for address, l := range s.listeners {
		l.deferAccept(c.deferred[address])
	}
	s.listening.Unlock()
	for l := range gone {
		l.close()
	}
	if len(gone) > 0 {
		s.retire(gone, c.drain)
	}
}

// retire ends the connections of listeners that are gone.
func (s *Server) retire(gone map[*listener]bool, drain time.Duration) {
	s.wakeWaiting(func(conn *Conn) bool {
		if gone[conn.owner] {
			conn.retired.Store(true)
			return true
		}
		return false
	})
	time.AfterFunc(drain, func() {
		s.cut(func(c *Conn) bool { return gone[c.owner] })
	})
}

// Addresses maps each configured address to the one it listens on, which differs
// for port 0.
func (s *Server) Addresses() map[string]net.Addr {
	s.listening.Lock()
	defer s.listening.Unlock()
	m := make(map[string]net.Addr, len(s.listeners))
	for address, l := range s.listeners {
		m[address] = l.Listener.Addr()
	}
	return m
}

// Sockets maps each configured address to its listening socket, which stays the
// server's.
func (s *Server) Sockets() map[string]net.Listener {
	s.listening.Lock()
	defer s.listening.Unlock()
	m := make(map[string]net.Listener, len(s.listeners))
	for address, l := range s.listeners {
		m[address] = l.Listener
	}
	return m
}

// Leave stops accepting and closes the sockets, which another process has too and
// goes on accepting from: what waits to be accepted is left to it. Connections go
// on; see [Server.Shutdown].
func (s *Server) Leave() {
	s.listening.Lock()
	defer s.listening.Unlock()
	for address, l := range s.listeners {
		l.stop(false)
		l.shut()
		delete(s.listeners, address)
	}
}

// Listen opens the socket of one configured address: host:port, or unix: and a
// path, where a socket that a killed process left behind is replaced.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	// No keep-alive probes: idle and dead peers are found by the timeouts, and
	// setting the option costs system calls on each accept.
	lc := net.ListenConfig{KeepAlive: -1}
	// Plain TCP: accepting from a socket of multipath TCP costs more for every
	// client, though next to none speaks it.
	lc.SetMultipathTCP(false)
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return lc.Listen(ctx, "tcp", address)
	}
	l, err := lc.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && removeStale(path) {
		l, err = lc.Listen(ctx, "unix", path)
	}
	return l, err
}

// removeStale removes a socket that a process left behind when it was killed;
// one that somebody listens on stays.
func removeStale(path string) bool {
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}
