package proxy

import (
	"net"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/telemetry"
	"github.com/sluiceproxy/sluice/upstream"
)

// SetTracer makes tracer, which may be nil, trace requests from now on, and returns
// the one before, which may still be given requests for a moment.
func (p *Proxy) SetTracer(tracer *telemetry.Tracer) *telemetry.Tracer {
	return p.tracer.Swap(tracer)
}

// spans are the attempts of a request that is part of a trace. They are noted only
// if that is recorded.
type spans struct {
	parent   [8]byte
	wanted   bool // each attempt has a span of its own
	attempts [maxConnects]telemetry.Attempt
	n        int
	open     bool // the last attempt has not ended
}

// record tells the request's trace to the tracer in force.
func (p *Proxy) record(r *request) {
	t := p.tracer.Load()
	if t == nil {
		return
	}
	r.endSpan(r.Reason)
	s := telemetry.Served{
		X: &r.Exchange, Parent: r.spans.parent, Client: r.clientAddress(), Attempts: r.spans.attempts[:r.spans.n],
	}
	if r.route != nil {
		s.Pattern = r.route.def.Path
	}
	t.Record(&s)
}

// beginSpan gives an attempt an id, which the target is told, and notes when it
// began if the trace is recorded.
func (r *request) beginSpan(target *upstream.Target) {
	if !r.spans.wanted {
		return
	}
	id := telemetry.NewSpanID()
	r.SetSpan(id)
	if r.Trace.Sampled() && r.spans.n < len(r.spans.attempts) {
		r.spans.attempts[r.spans.n] = telemetry.Attempt{Span: id, Start: time.Now(), Target: target.Address}
		r.spans.n++
		r.spans.open = true
	}
}

// noteConnection notes which connection the attempt goes over.
func (r *request) noteConnection() {
	if !r.spans.open {
		return
	}
	at := &r.spans.attempts[r.spans.n-1]
	at.Reused = r.trip.Reused()
	if peer, ok := r.trip.Peer().(*net.TCPAddr); ok {
		at.Peer = peer.AddrPort()
	}
}

// noteStatus notes what the attempt was answered.
func (r *request) noteStatus(status int) {
	if r.spans.open {
		r.spans.attempts[r.spans.n-1].Status = status
	}
}

// endSpan notes that the attempt has ended; reason is OK if all went well.
func (r *request) endSpan(reason exchange.Reason) {
	if r.spans.open {
		r.spans.open = false
		at := &r.spans.attempts[r.spans.n-1]
		at.End, at.Reason = time.Now(), reason
	}
}
