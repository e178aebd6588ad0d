// Package proxy is what happens to one request: which generation of the config
// serves it, its route, its middlewares, the sending on and the answer. It owns
// no socket of a client and decides no balancing.
package proxy

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/telemetry"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// Options are what a Proxy needs from outside.
type Options struct {
	Metrics *telemetry.Metrics
	// Trouble is told of bugs that were survived.
	Trouble func(msg string)
	// Event, which may be left out, is told of changes of targets' health, one
	// upstream's in their order.
	Event func(upstream.Event)
	// Dialling, which may be left out, is called before each attempt to connect to
	// a target, from any goroutine. It must not block.
	Dialling func()
}

// Proxy serves requests by the generation in force.
type Proxy struct {
	metrics  *telemetry.Metrics
	opts     Options
	gen      atomic.Pointer[Generation]
	access   atomic.Pointer[telemetry.AccessLog]
	tracer   atomic.Pointer[telemetry.Tracer]
	inFlight atomic.Int64
	tunnels  atomic.Int64
	swapping sync.Mutex
}

// New returns a proxy without a generation; put one in force before it serves.
func New(opts Options) *Proxy {
	p := &Proxy{metrics: opts.Metrics, opts: opts}
	p.metrics.Collect(p.emit)
	return p
}

// Generation returns the generation in force, nil before the first.
func (p *Proxy) Generation() *Generation { return p.gen.Load() }

// InFlight returns how many requests are under way, tunnels included.
func (p *Proxy) InFlight() int64 { return p.inFlight.Load() }

// Tunnels returns how many requests under way have become tunnels.
func (p *Proxy) Tunnels() int64 { return p.tunnels.Load() }

// SetAccessLog makes log take the lines of exchanges that end from now on, and
// returns the one before, which may still be written to for a moment.
func (p *Proxy) SetAccessLog(log *telemetry.AccessLog) *telemetry.AccessLog {
	return p.access.Swap(log)
}

// AccessLog returns what SetAccessLog was given last.
func (p *Proxy) AccessLog() *telemetry.AccessLog { return p.access.Load() }

// Refused counts and logs a request that was refused before it could be handled.
// client is the peer's address as text, and not kept.
func (p *Proxy) Refused(client []byte, refusal *wire.Refusal) {
	x := exchange.Exchange{Start: time.Now()}
	x.Forwarding.Client = client
	x.Status, x.Reason = refusal.Status, refusalReason(refusal)
	p.metrics.Unmatched().Observe(&x.Facts)
	if access := p.access.Load(); access != nil {
		access.Write(&x)
	}
}

func refusalReason(r *wire.Refusal) exchange.Reason {
	switch r.Status {
	case 408:
		return exchange.ClientTimeout
	case 413:
		return exchange.BodyTooLong
	case 503:
		return exchange.QueueFull
	}
	return exchange.Malformed
}

// Candidate is a generation that is ready to take the place of the one in force.
// End it by Commit or Discard.
type Candidate struct {
	p    *Proxy
	next *Generation
	prev *Generation
}

// Prepare compiles cfg. Only one candidate may be open at a time; Prepare waits.
func (p *Proxy) Prepare(cfg *config.Config) (*Candidate, error) {
	p.swapping.Lock()
	prev := p.gen.Load()
	next, err := p.compile(cfg, prev)
	if err != nil {
		p.swapping.Unlock()
		return nil, err
	}
	return &Candidate{p: p, next: next, prev: prev}, nil
}

// Generation returns the candidate itself, to be looked at.
func (c *Candidate) Generation() *Generation { return c.next }

// Inherit makes known what another process has learned of upstreams, by name. It
// is for the first generation of a process; upstreams that this one has not are
// ignored.
func (c *Candidate) Inherit(state map[string]upstream.PoolState) {
	for name, learned := range state {
		if pool := c.next.pools[name]; pool != nil {
			pool.Inherit(learned)
		}
	}
}

// Commit puts the candidate in force, by one store, starts its checks and retires
// what it replaces.
func (c *Candidate) Commit() {
	defer c.p.swapping.Unlock()
	c.p.gen.Store(c.next)
	c.next.start()
	if c.prev != nil {
		c.prev.retire(c.next)
	}
}

// Close ends the checks of targets. Requests are served as before; a generation
// that is put in force later starts its own.
func (p *Proxy) Close() {
	p.swapping.Lock()
	defer p.swapping.Unlock()
	if g := p.gen.Load(); g != nil {
		for _, pool := range g.pools {
			pool.Stop()
		}
	}
}

// Discard leaves everything as it is.
func (c *Candidate) Discard() {
	defer c.p.swapping.Unlock()
	c.next.scope.Close()
}

// Handle serves one request; it is the handler of a [server.Server].
func (p *Proxy) Handle(ctx *fasthttp.RequestCtx) {
	r := requests.Get().(*request)
	r.begin(ctx.Conn().(*server.Conn), p.gen.Load())
	p.inFlight.Add(1)
	defer p.end(ctx, r)
	if t := p.tracer.Load(); t != nil {
		r.spans.parent, r.spans.wanted = t.Begin(&r.Exchange)
	}
	if r.match() {
		r.serve(ctx)
	}
	if r.Response.Status != 0 {
		r.answer()
	} else if r.silent {
		r.endTrip(true)
	}
}

// serve has the request handled as its route says. What is only forwarded needs no
// context.
func (r *request) serve(ctx *fasthttp.RequestCtx) {
	if f := r.route.forward; r.route.bare {
		r.client.SpareContext()
		f.serve(r)
		return
	}
	r.Bind(ctx)
	r.route.handler(ctx)
}

// end is deferred by Handle: whatever happened, the exchange is brought to an end
// and told to log and metrics.
func (p *Proxy) end(ctx *fasthttp.RequestCtx, r *request) {
	if v := recover(); v != nil {
		p.survive(r, v)
	}
	if r.trip.IsOpen() {
		r.endTrip(true) // a middleware has dropped the answer
	}
	r.trip.Drop()
	p.inFlight.Add(-1)
	if !r.Upgraded {
		r.BytesIn = r.body.BytesRead()
	}
	if r.Status == 0 && !r.silent {
		// Answered by a middleware through fasthttp's own response.
		r.Status = ctx.Response.StatusCode()
	}
	r.Duration = time.Since(r.Start)
	if r.client != nil {
		r.client.Tell(r.Start.Add(r.Duration))
	}
	switch {
	case r.route == nil:
		p.metrics.Unmatched().Observe(&r.Facts)
	case r.route.forward != nil && r.Upstream != "":
		r.route.metrics.ObserveWith(r.route.forward.metrics, &r.Facts)
	default:
		r.route.metrics.Observe(&r.Facts)
	}
	if access := p.access.Load(); access != nil {
		access.Write(&r.Exchange)
	}
	if r.Trace.Sampled() {
		p.record(r)
	}
	r.release()
}

// survive turns a panic into a 500 where nothing was sent yet.
func (p *Proxy) survive(r *request, v any) {
	p.opts.Trouble(fmt.Sprintf("panic while serving a request: %v\n%s", v, debug.Stack()))
	answered := false
	defer func() {
		// The state that panicked once may do so again; the connection ends, by
		// a reset where the client could take what it has got for whole.
		_ = recover()
		if !answered {
			r.client.Abandon(true)
		}
	}()
	r.endTrip(true)
	if r.Status == 0 {
		r.fail(exchange.Panic)
		r.client.CloseAfter()
		r.answer()
		answered = true
	}
	r.Reason = exchange.Panic
}

// emit tells a scrape what is read off rather than counted.
func (p *Proxy) emit(emit telemetry.Emit) {
	emit(telemetry.InFlight, float64(p.InFlight()))
	emit(telemetry.Tunnels, float64(p.Tunnels()))
	g := p.gen.Load()
	if g == nil {
		return
	}
	emit(telemetry.Generation, float64(g.Number))
	for name, pool := range g.pools {
		emit(telemetry.UpstreamFailingOpen, number(pool.FailingOpen()), name)
		if l := pool.Load(); l.Limited {
			emit(telemetry.UpstreamInFlight, float64(l.InFlight), name)
			emit(telemetry.UpstreamWaiting, float64(l.Waiting), name)
			if l.Limit > 0 {
				emit(telemetry.UpstreamLimit, float64(l.Limit), name)
			}
		}
		for _, t := range pool.Targets {
			emitTarget(emit, name, t)
		}
	}
}

// number is 1 for true.
func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func emitTarget(emit telemetry.Emit, pool string, t *upstream.Target) {
	all, idle := t.Connections()
	health := t.Health()
	emit(telemetry.TargetConnections, float64(all-idle), pool, t.Address, "active")
	emit(telemetry.TargetConnections, float64(idle), pool, t.Address, "idle")
	emit(telemetry.TargetInFlight, float64(t.Node.InFlight()), pool, t.Address)
	if latency := t.Node.Latency(upstream.Clock(time.Now())); latency > 0 {
		emit(telemetry.TargetLatency, time.Duration(latency).Seconds(), pool, t.Address)
	}
	emit(telemetry.TargetUsable, number(t.Node.Usable()), pool, t.Address)
	drained, _ := t.Drained()
	emit(telemetry.TargetDrained, number(drained), pool, t.Address)
	for _, state := range upstream.States() {
		emit(telemetry.TargetState, number(state == health.State), pool, t.Address, state.String())
		emit(telemetry.TargetChanges, float64(health.Entered[state]), pool, t.Address, state.String())
	}
}
