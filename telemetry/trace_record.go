package telemetry

import (
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// tracedRecord is what spans are made of, copied from an exchange that has ended.
// It is pooled.
type tracedRecord struct {
	facts    exchange.Facts
	start    time.Time
	parent   [8]byte
	pattern  string
	proto    string
	minor    int
	attempts []Attempt

	text []byte // backs what follows

	method, host, path, query, sent, client, peer, agent, state piece
}

// piece is a piece of a record's text.
type piece struct{ from, to int }

var traced = sync.Pool{New: func() any { return new(tracedRecord) }}

// Most bytes of a value of a span; see also maxURI and the like.
const (
	maxAgent      = 512
	maxTraceState = 1 << 10
)

// fill copies what spans tell of s.
func (r *tracedRecord) fill(s *Served, t *Tracer) {
	x, h := s.X, s.X.Head
	r.facts, r.start, r.parent, r.pattern = x.Facts, x.Start, s.Parent, s.Pattern
	r.proto, r.minor = x.Forwarding.Proto, h.Minor
	r.attempts = append(r.attempts[:0], s.Attempts...)
	r.text = r.text[:0]
	r.method = r.keep(h.Method, maxMethod)
	r.host = r.keep(h.Host, maxHost)
	path, _, _ := wire.SplitTarget(h.Origin)
	r.path = r.keep(path, maxURI)
	r.query = r.keepQuery(h.Origin, t)
	r.sent = piece{}
	if len(s.Attempts) > 0 {
		path, _, _ := wire.SplitTarget(x.Target)
		r.sent = r.keep(path, maxURI)
		if query := r.keepQuery(x.Target, t); query.to > query.from {
			r.sent.to = query.to // it stands right behind
		}
	}
	r.client = r.keep(s.Client, maxClient)
	r.peer = r.keep(x.Forwarding.Client, maxClient)
	agent, _ := h.Value("User-Agent", 0)
	r.agent = r.keep(agent, maxAgent)
	r.state = piece{}
	if x.Forwarding.TraceState {
		from := len(r.text)
		if r.text = h.AppendTracestate(r.text); len(r.text)-from <= maxTraceState {
			r.state = piece{from, len(r.text)}
		}
	}
}

// keep copies a text.
func (r *tracedRecord) keep(text []byte, most int) piece {
	from := len(r.text)
	r.text = append(r.text, text[:min(len(text), most)]...)
	return piece{from, len(r.text)}
}

// keepQuery copies the query of a target, with the "?", if there is one and spans
// have it.
func (r *tracedRecord) keepQuery(target []byte, t *Tracer) piece {
	path, query, has := wire.SplitTarget(target)
	if !t.def.Query || !has || len(query) == 0 {
		return piece{}
	}
	from := len(r.text)
	r.text = appendHidden(r.text, target[len(path):], t.redact, from+maxURI)
	r.text = r.text[:min(len(r.text), from+maxURI)]
	return piece{from, len(r.text)}
}

// maxTracedText is the most memory a record keeps for its texts when it is put back.
const maxTracedText = 16 << 10

// release gives r back to be used again.
func (r *tracedRecord) release() {
	if cap(r.text) <= maxTracedText {
		traced.Put(r)
	}
}
