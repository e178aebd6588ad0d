package telemetry

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// Tracer makes requests part of traces, and sends the spans of those that are
// recorded to a receiver. It is safe for any goroutine.
type Tracer struct {
	def     config.Tracing
	bound   uint64 // a trace begun here is recorded if the right half of its id is below
	trusted bool   // only a trusted peer's traceparent is taken up
	redact  []string
	export  *exporter // nil without a receiver
}

// TracerOptions are what a tracer needs from outside.
type TracerOptions struct {
	Metrics *Metrics
	// Tell is told what becomes of the receiver, from a goroutine that it holds up.
	Tell func(TraceEvent)
	// Version is the build's.
	Version string
}

// OpenTracer begins to trace as def says, which was checked. Nothing is dialled
// before there are spans. The caller ends it by Close.
func OpenTracer(def *config.Tracing, o TracerOptions) *Tracer {
	t := &Tracer{def: *def, trusted: def.Parent == "trusted", redact: append(conventionalSecrets, def.Redact...)}
	// As OpenTelemetry's TraceIDRatioBased has it, so that all who sample by the
	// same ratio choose the same traces.
	switch bound := def.Sample * (1 << 63); {
	case def.Sample >= 1:
		t.bound = math.MaxUint64
	case bound > 0:
		t.bound = uint64(bound)
	}
	if def.Endpoint != "" {
		t.export = newExporter(def, o)
		go t.export.run()
	}
	return t
}

// conventionalSecrets are the parameters whose values OpenTelemetry's conventions
// ask to hide. The slice has no room, so that appending copies it.
var conventionalSecrets = []string{"AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"}

// Is reports whether the tracer does what def says, so that it can stay.
func (t *Tracer) Is(def *config.Tracing) bool { return reflect.DeepEqual(t.def, *def) }

// Begin makes x part of a trace: of the one that its traceparent names, or of a new
// one. It returns the span that x is a part of, zero where the trace begins here, and
// whether targets are to be told of a span for each attempt. Without a receiver they
// are not, but what x itself was told: a span that nobody records would be a gap.
// Whether the trace is recorded is decided as OpenTelemetry's ParentBased and
// TraceIDRatioBased decide it. It does not allocate. x.Head and x.Forwarding must
// have been set.
func (t *Tracer) Begin(x *exchange.Exchange) (parent [8]byte, spans bool) {
	c, state, ok := x.Head.Trace()
	if ok = ok && (!t.trusted || x.Forwarding.Trusted); ok {
		parent = c.Span
	} else {
		// The ids have to be unique, not secret: as for request ids.
		c, state = wire.TraceContext{}, false
		binary.BigEndian.PutUint64(c.ID[:8], rand.Uint64()|1) // never all zero
		right := rand.Uint64()
		binary.BigEndian.PutUint64(c.ID[8:], right)
		if t.bound == math.MaxUint64 || right>>1 < t.bound {
			c.Flags = wire.TraceSampled
		}
	}
	if !ok || t.export != nil {
		c.Span = NewSpanID()
	}
	x.Trace, x.Forwarding.Trace, x.Forwarding.TraceState = c, c, state
	return parent, t.export != nil
}

// NewSpanID returns the id of a new span.
func NewSpanID() (id [8]byte) {
	binary.BigEndian.PutUint64(id[:], rand.Uint64()|1)
	return id
}

// Attempt is one sending of a request to a target.
type Attempt struct {
	Span       [8]byte
	Start, End time.Time
	Target     string         // as the config has it; it may be kept
	Peer       netip.AddrPort // the other end of the connection; zero for a unix socket, or for none
	Reused     bool           // the connection had carried a request before
	Status     int            // of the response; 0 if there was none
	Reason     exchange.Reason
}

// Served is an exchange of a recorded trace that has ended.
type Served struct {
	X      *exchange.Exchange
	Parent [8]byte // what Begin has returned
	// Pattern is the path that the route has in the config; "" without a route.
	Pattern string
	// Client is the address of the client itself.
	Client   []byte
	Attempts []Attempt
}

// Record sends the spans of s, of which it keeps nothing. It never waits: what
// there is no room for is lost and counted.
func (t *Tracer) Record(s *Served) {
	if t.export == nil {
		return
	}
	r := traced.Get().(*tracedRecord)
	r.fill(s, t)
	t.export.put(r)
}

// Close sends what waits and ends the tracer. Spans that come later are lost and
// counted. When ctx ends first, what still waits is lost; the error tells how much.
// It may be called again.
func (t *Tracer) Close(ctx context.Context) error {
	if t.export == nil {
		return nil
	}
	return t.export.close(ctx)
}
