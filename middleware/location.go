package middleware

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// location is a parsed template of a Location. It is not changed once parsed.
type location struct {
	pieces []locationPiece
	// relative says that the client resolves it against the host it asked; what
	// looks like another host must not get in then.
	relative bool
}

// locationPiece is a literal, escaped, or something of the request.
type locationPiece struct {
	kind  pieceKind
	text  string // the literal, or the parameter's name
	query bool   // stands in the query
}

type pieceKind uint8

const (
	pieceLiteral pieceKind = iota
	pieceParam
	pieceScheme
	pieceHost
	piecePath
	pieceQuery
	pieceURI
)

// appendTo appends what l says for x. Where that cannot be, it answers x, and ok
// is false. It does not allocate once dst has room.
func (l *location) appendTo(dst []byte, x *exchange.Exchange) (_ []byte, ok bool) {
	for i := range l.pieces {
		p := &l.pieces[i]
		if p.kind == pieceLiteral {
			dst = append(dst, p.text...)
			continue
		}
		if p.query {
			dst, ok = appendEscapedPiece(dst, x, p)
		} else {
			dst, ok = l.appendPiece(dst, x, p)
		}
		if !ok {
			return dst, false
		}
	}
	return dst, true
}

// appendPiece appends a piece that stands outside of the query, as it came.
func (l *location) appendPiece(dst []byte, x *exchange.Exchange, p *locationPiece) ([]byte, bool) {
	path, query := requestPath(x)
	switch p.kind {
	case pieceScheme:
		return append(dst, scheme(x)...), true
	case pieceHost:
		return appendHost(dst, x)
	case pieceQuery:
		return append(dst, query...), true
	case piecePath, pieceURI:
		if wire.Ascends(path) || l.relative && mayNameHost(path) {
			refusePath(x)
			return dst, false
		}
		dst = append(dst, path...)
		if p.kind == pieceURI {
			dst = append(dst, query...)
		}
		return dst, true
	}
	value, ok := segmentParam(x, p.text)
	return appendEscaped(dst, value, segmentBytes), ok
}

// appendEscapedPiece appends a piece as the value of a query parameter.
func appendEscapedPiece(dst []byte, x *exchange.Exchange, p *locationPiece) ([]byte, bool) {
	path, query := requestPath(x)
	switch p.kind {
	case pieceScheme:
		return append(dst, scheme(x)...), true
	case pieceHost:
		return appendHost(dst, x) // has nothing that a query could mistake
	case piecePath:
		return appendEscaped(dst, path, unreserved), true
	case pieceURI:
		return appendEscaped(appendEscaped(dst, path, unreserved), query, unreserved), true
	}
	value, ok := param(x, p.text)
	return appendEscaped(dst, value, unreserved), ok
}

// requestPath is pathOf with "/" for a target that has no path.
func requestPath(x *exchange.Exchange) (path, query []byte) {
	path, query, ok := pathOf(x)
	if !ok {
		return slash, nil
	}
	return path, query
}

// mayNameHost reports whether some clients could read path, or what they make of
// it, as //host/path: all that takes is an empty segment, and many take a
// backslash for a slash.
func mayNameHost(path []byte) bool {
	return bytes.Contains(path, []byte("//")) || bytes.IndexByte(path, '\\') >= 0
}

// scheme returns how the client spoke, by the word of a trusted proxy if there is one.
func scheme(x *exchange.Exchange) string {
	if x.Forwarding.Trusted {
		if proto, ok := x.Head.Value("X-Forwarded-Proto", 0); ok {
			switch {
			case wire.EqualFold(proto, "https"):
				return "https"
			case wire.EqualFold(proto, "http"):
				return "http"
			}
		}
	}
	return x.Forwarding.Proto
}

var noHostBody = []byte("400 missing host\n")

// appendHost appends the name the client asked for: checked by wire, in lower
// case, without port.
func appendHost(dst []byte, x *exchange.Exchange) ([]byte, bool) {
	if len(x.Head.Host) == 0 {
		x.Reason = exchange.Malformed
		x.Response.Answer(fasthttp.StatusBadRequest, plainText, noHostBody)
		return dst, false
	}
	return wire.AppendHostKey(dst, x.Head.Host), true
}
