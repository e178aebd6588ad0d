// Package demo provides small HTTP origins for `sluice demo`, the tests and
// the bench. They answer so that one can see which origin got what; they are
// not meant to hold an application.
package demo

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// Options say what an origin is called and where it listens. The zero value
// listens on a free loopback port.
type Options struct {
	Name    string // told in every answer; "origin" when empty
	Address string // host:port or unix:/path; "127.0.0.1:0" when empty
}

// Origin is a running HTTP/1.1 server. Its methods may be called from any
// goroutine.
//
// What it does depends on the path:
//
//	/bench            90 bytes, always the same
//	/bytes/N          N bytes of [Pattern]; ?chunked=1 sends them without a length
//	/echo             the request's body, as it comes in
//	/headers          method, target and header fields as they came, as JSON
//	/slow?ms=N        an answer after N milliseconds
//	/sse?n=N&ms=M     N server-sent events, M milliseconds apart; n=0 never ends
//	/status/CODE      an answer with that status
//	/healthz          200, or 503 after SetHealthy(false)
//	anything else     a line of text: name, method, target
//
// Every answer has the field X-Origin with the origin's name.
type Origin struct {
	name     string
	listener net.Listener
	server   fasthttp.Server

	requests atomic.Uint64
	failing  atomic.Bool

	closing  sync.Once
	closeErr error
	closed   chan struct{} // wakes the answers that wait
	served   chan struct{} // closed when no connection is accepted any more
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// Start listens and serves until [Origin.Close]. A unix socket that nobody
// listens on any more is replaced.
func Start(opts Options) (*Origin, error) {
	if opts.Name == "" {
		opts.Name = "origin"
	}
	if opts.Address == "" {
		opts.Address = "127.0.0.1:0"
	}
	listener, err := listen(opts.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot start origin %q: %w", opts.Name, err)
	}
	o := &Origin{
		name:     opts.Name,
		listener: listener,
		closed:   make(chan struct{}),
		served:   make(chan struct{}),
		conns:    make(map[net.Conn]struct{}),
	}
	o.server = fasthttp.Server{
		Handler:   o.handle,
		ConnState: o.track,
		Logger:    silent{},
		// Names are shown and sent as they came.
		DisableHeaderNamesNormalizing: true,
		NoDefaultServerHeader:         true,
		NoDefaultContentType:          true,
		DisablePreParseMultipartForm:  true,
		StreamRequestBody:             true,
		// With streaming this is no limit, but how much fasthttp waits for
		// before it calls the handler.
		MaxRequestBodySize: 1,
		ReadBufferSize:     64 << 10,
		WriteBufferSize:    16 << 10,
	}
	go func() {
		defer close(o.served)
		// It ends with the listener's error when Close closes that.
		_ = o.server.Serve(listener)
	}()
	return o, nil
}

// Name is what the origin was called in [Options].
func (o *Origin) Name() string { return o.name }

// Addr is where the origin listens, in the form in which config.json names a
// target: host:port, or unix:/path.
func (o *Origin) Addr() string {
	addr := o.listener.Addr()
	if addr.Network() == "unix" {
		return "unix:" + addr.String()
	}
	return addr.String()
}

// Requests is the number of requests received so far, those for /healthz not
// counted.
func (o *Origin) Requests() uint64 { return o.requests.Load() }

// SetHealthy chooses what /healthz answers; an origin starts healthy.
func (o *Origin) SetHealthy(healthy bool) { o.failing.Store(!healthy) }

// Close stops listening, cuts every connection, answered or not, and returns
// when nothing of the origin runs any more. A later Close does nothing and
// returns the same error.
func (o *Origin) Close() error {
	o.closing.Do(func() {
		close(o.closed)
		o.closeErr = o.listener.Close()
		<-o.served
		o.mu.Lock()
		for conn := range o.conns {
			_ = conn.Close()
		}
		o.mu.Unlock()
		o.serving.Wait()
	})
	return o.closeErr
}

// track remembers the open connections for Close. It is also called around
// every request, and does nothing then.
func (o *Origin) track(conn net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateNew:
		o.serving.Add(1)
		o.mu.Lock()
		o.conns[conn] = struct{}{}
		o.mu.Unlock()
	case fasthttp.StateClosed:
		o.mu.Lock()
		delete(o.conns, conn)
		o.mu.Unlock()
		o.serving.Done()
	}
}

// listen opens the socket that address names.
func listen(address string) (net.Listener, error) {
	path, isUnix := strings.CutPrefix(address, "unix:")
	if !isUnix {
		return net.Listen("tcp", address)
	}
	if path == "" {
		return nil, errors.New("unix: without a path")
	}
	// A killed process leaves its socket behind, which would be "in use" for ever.
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if conn, err := net.Dial("unix", path); err == nil {
			_ = conn.Close()
		} else {
			_ = os.Remove(path)
		}
	}
	return net.Listen("unix", path)
}

// silent keeps fasthttp from writing a line about every client that went away.
type silent struct{}

func (silent) Printf(string, ...any) {}
