// Package admin is the operator's door: health, readiness, metrics, what is in
// force, explanations, reloads, the log level and profiles, over HTTP on an
// address of its own. It serves no traffic and changes nothing by itself.
package admin

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/hotreload"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

// Bounds of what a peer may send, and how long it may take. A handler may take
// longer, as a profile does.
const (
	maxHead      = 16 << 10
	maxBody      = 64 << 10
	maxConns     = 256
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 60 * time.Second
	// reloadTimeout bounds the wait of POST /reload; the reload itself goes on.
	reloadTimeout = 30 * time.Second
)

// Options are what an Admin shows and steers. All but Ready and Guard are required.
type Options struct {
	Proxy   *proxy.Proxy
	Metrics *telemetry.Metrics
	Log     *telemetry.Log
	// Reload reloads the config now and waits, no longer than ctx.
	Reload func(ctx context.Context, cause string) hotreload.Outcome
	// Force is Reload for content that was taken back, too.
	Force func(ctx context.Context, cause string) hotreload.Outcome
	// DryRun tells what Reload would do now, or Force, and changes nothing. The
	// error is a [config.Problems] or a [*hotreload.TakenBackError] where the
	// config would be refused.
	DryRun func(force bool) (*proxy.Changes, error)
	Status func() hotreload.Status
	// Guard tells what the guard of reloads is at, nil where there is none. It
	// may be left out.
	Guard func() *Guard
	// Upgrade has another process take this one's place, and waits until it has or
	// will not. The error is a [*UpgradeRefused] where nothing was tried.
	Upgrade func() (Upgraded, error)
	// Ready says why no traffic should be sent here; nil for always ready. It is
	// not asked before a config is in force.
	Ready   func() (ok bool, why string)
	Version string
	// Started is when the process began to serve.
	Started time.Time
	// Connections returns how many client connections are open. It may be left out.
	Connections func() int64
	// Journal is where reloads are noted. It may be left out.
	Journal *Journal
}

// Admin serves the admin endpoints. Its methods may be called from any goroutine.
type Admin struct {
	opts      Options
	endpoints []endpoint
	server    fasthttp.Server
	sampling  sync.Once

	history history
	listed  *listedRoutes // guarded by history.mu

	mu     sync.Mutex
	closed bool
	done   chan struct{} // closed by Close
	ends   []net.Listener
	conns  map[net.Conn]struct{}
}

// New returns an Admin that serves nothing yet.
func New(opts Options) *Admin {
	a := &Admin{
		opts:      opts,
		endpoints: endpoints(),
		done:      make(chan struct{}),
		conns:     make(map[net.Conn]struct{}),
	}
	a.server = fasthttp.Server{
		Handler:                      a.handle,
		ErrorHandler:                 refuseMalformed,
		ConnState:                    a.track,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		DisablePreParseMultipartForm: true,
		CloseOnShutdown:              true,
		Concurrency:                  maxConns,
		ReadBufferSize:               maxHead,
		MaxRequestBodySize:           maxBody,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		SecureErrorLogMessage:        true,
		Logger:                       quietLogger{},
	}
	return a
}

// quietLogger drops fasthttp's own lines: what a peer does wrong it is answered.
type quietLogger struct{}

func (quietLogger) Printf(string, ...any) {}

// Serve answers on ln, which it owns from now on, until Close; then it returns
// nil. It may be called for several listeners.
func (a *Admin) Serve(ln net.Listener) error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return ln.Close()
	}
	a.ends = append(a.ends, ln)
	a.mu.Unlock()
	a.sampling.Do(func() { go a.sample() })
	err := a.server.Serve(&socket{Listener: ln, done: a.done})
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	return err
}

// sample takes samples for charts until Close.
func (a *Admin) sample() {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	figures := a.opts.Metrics.Sampler(maxSeries)
	for at := time.Now(); ; {
		a.history.sample(at, figures.Figures(), a.gauges())
		select {
		case <-a.done:
			return
		case at = <-tick.C:
		}
	}
}

// Leave stops listening. Connections go on; see [Admin.Close].
func (a *Admin) Leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		close(a.done)
	}
	for _, ln := range a.ends {
		// That it is closed already is no matter here.
		_ = ln.Close()
	}
}

// Close stops listening and lets answers under way be finished. When ctx ends
// first, they are cut off and ctx's error is returned.
func (a *Admin) Close(ctx context.Context) error {
	a.Leave()
	err := a.server.ShutdownWithContext(ctx)
	if ctx.Err() == nil {
		// What else is told is that a listener was closed already.
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.conns {
		_ = c.Close()
	}
	return err
}

// track keeps the open connections, for Close to cut off.
func (a *Admin) track(c net.Conn, state fasthttp.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch state {
	case fasthttp.StateNew:
		a.conns[c] = struct{}{}
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		delete(a.conns, c)
	}
}

// socket is a listener that a failed Accept does not end: the admin interface is
// needed most when the process has run out of descriptors.
type socket struct {
	net.Listener
	done <-chan struct{}
}

const acceptPause = 100 * time.Millisecond

// Accept waits for a connection until the listener is closed.
func (s *socket) Accept() (net.Conn, error) {
	for {
		c, err := s.Listener.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return c, err
		}
		select {
		case <-s.done:
			return nil, net.ErrClosed
		case <-time.After(acceptPause):
		}
	}
}
