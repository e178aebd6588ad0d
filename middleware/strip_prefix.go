package middleware

import (
	"bytes"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// StripPrefix removes a prefix of whole segments from the path. What follows it
// goes on byte for byte; a path without the prefix goes on unchanged. A path that
// has it only in one of its readings, or that climbs out of it, is answered 400.
type StripPrefix struct {
	Prefix string `json:"prefix" required:"true" doc:"Removed from the front of the path where whole segments match, as /v1; written decoded."`
}

// Check implements what [config.Catalog] asks of options.
func (o *StripPrefix) Check() []config.OptionProblem {
	if strings.Contains(o.Prefix, "%") {
		return problem("prefix", "%q is matched against the decoded path; write it without escapes", o.Prefix)
	}
	return checkPrefix(o.Prefix)
}

// build makes the middleware. It does not allocate per request; a path that is
// neither plain nor has the prefix may, if it is longer than 512 bytes.
func (o *StripPrefix) build() Middleware {
	prefix := []byte(strings.TrimSuffix(o.Prefix, "/"))
	return func(next fasthttp.RequestHandler) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			x := exchange.Of(ctx)
			if !stripPrefix(x, prefix) {
				refusePath(x)
				return
			}
			next(ctx)
		}
	}
}

// stripPrefix reports false where the target must not be sent at all.
func stripPrefix(x *exchange.Exchange, prefix []byte) bool {
	path, query, ok := pathOf(x)
	if !ok {
		return true
	}
	cut := cutPrefix(path, prefix)
	if cut < 0 {
		return wire.PlainPath(path) || !resolvesUnder(path, prefix)
	}
	rest := path[cut:]
	if wire.Ascends(rest) {
		return false
	}
	if len(rest) == 0 {
		rest = slash
	}
	x.SetTarget(rest, query)
	return true
}

var slash = []byte("/")

// cutPrefix returns how many bytes of path decode to prefix and end at the end
// of a segment, or -1. Escaped slashes do not count as slashes.
func cutPrefix(path, prefix []byte) int {
	// Fast path - written as the prefix is.
	if bytes.HasPrefix(path, prefix) {
		return atBoundary(path, len(prefix))
	}
	at := 0
	for _, want := range prefix {
		if at == len(path) {
			return -1
		}
		c, width := path[at], 1
		if c == '%' && at+2 < len(path) {
			if b, ok := hexPair(path[at+1], path[at+2]); ok && b != '/' && b != '\\' {
				c, width = b, 3
			}
		}
		if c != want {
			return -1
		}
		at += width
	}
	return atBoundary(path, at)
}

func atBoundary(path []byte, at int) int {
	if at < len(path) && path[at] != '/' {
		return -1
	}
	return at
}

// resolvesUnder reports whether path is below prefix once it is resolved.
func resolvesUnder(path, prefix []byte) bool {
	var scratch [512]byte
	resolved := wire.AppendResolvedPath(scratch[:0], path)
	return bytes.HasPrefix(resolved, prefix) && atBoundary(resolved, len(prefix)) >= 0
}
