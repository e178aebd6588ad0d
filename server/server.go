// Package server owns the sockets towards clients: listeners, connections, their
// deadlines and their draining. What is answered is not its business.
package server

import (
	"cmp"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/wire"
)

// Settings are the limits that connections work by. They are not changed once in
// use; a reload brings others, which count from each connection's next request.
type Settings struct {
	Head          wire.Limits
	BodyBytes     int64 // 0: no limit
	HeaderTimeout time.Duration
	BodyTimeout   time.Duration
	IdleTimeout   time.Duration
	WriteTimeout  time.Duration
	Connections   int64 // 0: no limit
}

func settingsOf(l config.Limits) *Settings {
	return &Settings{
		Head:          wire.Limits{Bytes: int(l.HeaderBytes), Fields: l.Headers},
		BodyBytes:     int64(l.BodyBytes),
		HeaderTimeout: l.HeaderTimeout.D(),
		BodyTimeout:   l.BodyTimeout.D(),
		IdleTimeout:   l.IdleTimeout.D(),
		WriteTimeout:  l.WriteTimeout.D(),
		Connections:   int64(l.Connections),
	}
}

func (s *Settings) bufferSize() int { return s.Head.Bytes + bodyRoom }

// Options are what a Server needs from outside.
type Options struct {
	// Handler serves a request; ctx.Conn() is its [*Conn] and has the request,
	// of which ctx.Request says nothing. It answers by [Conn.Send], or, which
	// costs more, in ctx.Response.
	Handler fasthttp.RequestHandler
	// Refused is told of every request refused before it reached the handler.
	Refused func(client []byte, r *wire.Refusal)
	// Trouble is told of what goes wrong with a listener, once per kind.
	Trouble func(msg string, err error)
	// Listen opens the socket of a configured address; by default [Listen].
	Listen func(ctx context.Context, address string) (net.Listener, error)
	// ParkAfter is how long a connection waits for a request with all that it
	// takes to serve one, before it is parked with next to nothing. 0 stands for
	// a second; negative for ever. Only Linux parks.
	ParkAfter time.Duration
}

// Server accepts connections on a set of listeners that can change while it runs.
type Server struct {
	opts     Options
	settings atomic.Pointer[Settings]
	draining atomic.Bool

	listening sync.Mutex // guards the next; taken before mu
	listeners map[string]*listener

	engine *fasthttp.Server
	began  time.Time    // see clock
	active atomic.Int64 // connections that have a goroutine

	mu    sync.Mutex // guards all below
	lists connLists  // of open connections
	lot   lot
	crew  crew
	open  int64
	quiet chan struct{} // closed when a drain has seen the last one go
	room  room
	freed sync.Cond // a connection was closed, or else there may be room
}

// New returns a server without listeners; see [Server.Prepare].
func New(opts Options) *Server {
	if opts.Listen == nil {
		opts.Listen = Listen
	}
	s := &Server{opts: opts, listeners: map[string]*listener{}, began: time.Now()}
	s.lot.after = cmp.Or(opts.ParkAfter, defaultParkAfter)
	s.freed.L = &s.mu
	s.engine = s.newEngine()
	return s
}

func (s *Server) onRefuse(client []byte, r *wire.Refusal) {
	if s.opts.Refused != nil {
		s.opts.Refused(client, r)
	}
}

// add puts a new connection on a list, with atOnce on that of parked ones, if it can
// be. A full server is one that has no room for another.
func (s *Server) add(c *Conn, atOnce bool) (added, parked, full bool) {
	if atOnce {
		c.since = s.clock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit := s.settings.Load().Connections; limit > 0 && s.open >= limit {
		return false, false, s.full()
	}
	s.open++
	if atOnce && s.watch(c) {
		s.queueOf(c).push(c)
		s.parkedOne(c)
		return true, true, s.full()
	}
	s.active.Add(1)
	s.lists.active.push(c)
	return true, false, s.full()
}

// remove takes a connection off the list; false means that it was not on it.
func (s *Server) remove(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enlist(c)
	if c.list == nil {
		return false
	}
	s.unlist(c)
	return true
}

// unlist is remove of a connection that is listed, with the lock.
func (s *Server) unlist(c *Conn) {
	c.list.remove(c)
	s.open--
	s.active.Add(-1)
	s.freed.Broadcast()
	if s.open == 0 && s.quiet != nil {
		close(s.quiet)
		s.quiet = nil
	}
}

// Open returns the number of open client connections.
func (s *Server) Open() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// wakeWaiting ends the connections that wait for a request and satisfy which;
// the others end with their exchange.
func (s *Server) wakeWaiting(which func(*Conn) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists.each(func(c *Conn) {
		switch {
		case !which(c):
		case s.parked(c):
			s.lastCall(c)
		case c.state.CompareAndSwap(stateWaiting, stateWoken):
			_ = c.Conn.SetReadDeadline(sock.Past)
		}
	})
}

// cut ends the connections that satisfy which, whatever they are at.
func (s *Server) cut(which func(*Conn) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists.each(func(c *Conn) {
		if !which(c) {
			return
		}
		if s.parked(c) {
			_ = c.Conn.Close()
			s.unpark(c)
			s.unlist(c)
			return
		}
		// Its goroutine sees it, closes it and takes it off the list.
		c.Interrupt()
		sock.Shut(c.Conn)
	})
}

// Shutdown closes the listeners, lets the exchanges under way end, and returns
// as soon as the last connection is gone. When ctx ends first, the rest is cut
// off and ctx's error returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.listening.Lock()
	for address, l := range s.listeners {
		l.close()
		delete(s.listeners, address)
	}
	s.listening.Unlock()
	s.mu.Lock()
	quiet := make(chan struct{})
	s.draining.Store(true)
	if s.open == 0 {
		close(quiet)
	} else {
		s.quiet = quiet
	}
	s.mu.Unlock()
	s.wakeWaiting(func(*Conn) bool { return true })
	defer s.closeLot()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
	}
	s.cut(func(*Conn) bool { return true })
	return ctx.Err()
}
