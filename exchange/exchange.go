// Package exchange holds the typed facts of one request and its response while
// it is under way: what came, what is to be sent on, what is to be answered and
// how it went. It does no I/O and decides nothing.
package exchange

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/wire"
)

// Exchange is one request and its response. It belongs to the goroutine that
// serves the request; no part of it may be kept after the exchange has ended,
// for its memory is used again.
type Exchange struct {
	// Start is when the request's head had arrived.
	Start time.Time
	// Head is the request as it came.
	Head *wire.Head
	// Forwarding says what targets are told about the client.
	Forwarding wire.Forwarding
	// Target is the origin-form target to send; middlewares change it by SetTarget.
	Target []byte
	// Response is what the client is to be answered.
	Response Response
	// Params gives the values of the route's parameters.
	Params Params
	// Owner is the state of whoever made the exchange.
	Owner any

	Facts

	host    []byte // the Host to send; nil for the client's
	request wire.Fields
	edited  bool
	buf     []byte // backs Target once it was changed
	id      []byte
}

// Facts are what logs and metrics want to know of an exchange. Strings are the
// config's own and may be kept.
type Facts struct {
	Route    string
	Upstream string
	// Target is the address that answered, or was tried last.
	TargetName string
	// Attempts counts the connections the request was sent or to be sent on.
	Attempts int
	// Status is the status sent to the client; 0 if none was.
	Status int
	// Reason is OK unless something went wrong.
	Reason Reason
	// BytesIn and BytesOut count body bytes read from and written to the client.
	BytesIn, BytesOut int64
	// HeaderTime is from Start to the end of the target's response head.
	HeaderTime time.Duration
	// Duration is from Start to the last byte written to the client.
	Duration time.Duration
	// Upgraded tells that the exchange became a tunnel.
	Upgraded bool
	// Trace is the trace the exchange is part of, and its own place in it; not valid
	// without tracing.
	Trace wire.TraceContext
}

// Params gives the values of a route's path parameters.
type Params interface {
	// Param returns the value of :name as it was matched, decoded.
	Param(name string) (value []byte, ok bool)
}

// Reset prepares x for another exchange and keeps its buffers.
func (x *Exchange) Reset() {
	request, response, buf, id := x.request, x.Response.Fields, x.buf, x.id
	request.Reset()
	response.Reset()
	*x = Exchange{request: request, buf: buf[:0], id: id[:0]}
	x.Response.Fields = response
}

// Cap returns the memory held for reuse, in bytes.
func (x *Exchange) Cap() int {
	return x.request.Cap() + x.Response.Fields.Cap() + cap(x.buf) + cap(x.id)
}

type key struct{}

// Bind makes x what Of returns for ctx.
func (x *Exchange) Bind(ctx *fasthttp.RequestCtx) { ctx.SetUserValue(key{}, x) }

// Of returns the exchange that ctx serves, or nil outside of Sluice.
func Of(ctx *fasthttp.RequestCtx) *Exchange {
	x, _ := ctx.UserValue(key{}).(*Exchange)
	return x
}

// RequestFields returns the field lines to be sent to the target, for editing:
// hop-by-hop fields are gone, forwarding fields are there. The framing lines
// (Content-Length, Transfer-Encoding) must be left as they are. Only a request
// that is edited pays for this copy.
func (x *Exchange) RequestFields() *wire.Fields {
	if !x.edited {
		x.edited = true
		x.request.SetBlock(x.Head.AppendFields(x.request.Bytes()[:0], x.host, &x.Forwarding))
	}
	return &x.request
}

// SetHost makes the target see another Host than the client sent. host is kept
// until the exchange ends.
func (x *Exchange) SetHost(host []byte) {
	x.host = host
	if x.edited {
		x.request.Set("Host", string(host))
	}
}

// SetSpan makes the target see another span as its parent, in the trace that
// Forwarding tells of. Where a middleware has removed that field, or put another
// trace in its place, that stays.
func (x *Exchange) SetSpan(id [8]byte) {
	now := &x.Forwarding.Trace
	if !x.edited {
		now.Span = id
		return
	}
	var text [64]byte
	line := x.request.Get("traceparent")
	if string(line) == string(now.AppendText(text[:0])) {
		now.Span = id
		now.AppendText(line[:0])
	}
}

// AppendHead appends the request head to send to the target.
func (x *Exchange) AppendHead(dst []byte) []byte {
	dst = append(dst, x.Head.Method...)
	dst = append(dst, ' ')
	dst = append(dst, x.Target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	if x.edited {
		dst = append(dst, x.request.Bytes()...)
	} else {
		dst = x.Head.AppendFields(dst, x.host, &x.Forwarding)
	}
	return append(dst, "\r\n"...)
}

// SetRequestID notes the id that a middleware has given the request, for the
// access log. id is copied.
func (x *Exchange) SetRequestID(id []byte) { x.id = append(x.id[:0], id...) }

// RequestID returns the id, empty where no middleware has given one. It is valid
// until the exchange ends.
func (x *Exchange) RequestID() []byte { return x.id }

// SetTarget changes the target to the concatenation of parts, which may be
// slices of the present one.
func (x *Exchange) SetTarget(parts ...[]byte) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	// The parts may lie in buf; so the new target is built behind it.
	at := len(x.buf)
	for _, p := range parts {
		x.buf = append(x.buf, p...)
	}
	x.Target = x.buf[at : at+n : at+n]
}

// Response is the answer to a client before it is written.
type Response struct {
	// Status is the status code; 0 while there is no answer.
	Status int
	// Phrase is the reason phrase; nil for the standard one.
	Phrase []byte
	// Fields are the field lines without framing other than Content-Length.
	Fields wire.Fields
	// Body is the whole body, if it is in memory.
	Body []byte
	// Relayed says that the body comes from the target and not from Body.
	Relayed bool
}

// Answer makes an answer of Sluice's own: it discards what there was. body is
// kept until the exchange has ended. Content-Length is added when it is written.
func (r *Response) Answer(status int, contentType string, body []byte) {
	r.Status, r.Phrase, r.Body, r.Relayed = status, nil, body, false
	r.Fields.Reset()
	if contentType != "" {
		r.Fields.Add("Content-Type", contentType)
	}
}
