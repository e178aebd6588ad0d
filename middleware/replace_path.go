package middleware

import (
	"bytes"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// ReplacePath sends another path with the query as it came. A parameter's value
// that is not one plain segment is answered 400.
type ReplacePath struct {
	Path string `json:"path" required:"true" doc:"The path to send, as /users/:id/profile: a segment that begins with : is the route's parameter of that name. Escapes such as %20 are sent as they stand."`
}

// Check implements what [config.Catalog] asks of options.
func (o *ReplacePath) Check() []config.OptionProblem {
	if err := checkPath(o.Path); err != nil {
		return problem("path", "%v", err)
	}
	for _, p := range splitPath(o.Path) {
		if p.isParam && !isParamName(p.name) {
			return problem("path", "%q: %q is not the name of a parameter (letters, digits, - and _); write %%3A for a : itself", o.Path, p.name)
		}
	}
	return nil
}

// Params returns the names of the parameters that the route must have.
func (o *ReplacePath) Params() []string { return paramNames(splitPath(o.Path)) }

// build makes the middleware. It does not allocate per request while the new
// path has at most 512 bytes.
func (o *ReplacePath) build() Middleware {
	pieces := splitPath(o.Path)
	return func(next fasthttp.RequestHandler) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			x := exchange.Of(ctx)
			if _, query, ok := pathOf(x); ok && !replacePath(x, pieces, query) {
				return
			}
			next(ctx)
		}
	}
}

// replacePath reports false after it has answered.
func replacePath(x *exchange.Exchange, pieces []pathPiece, query []byte) bool {
	var scratch [512]byte
	path := scratch[:0]
	for i := range pieces {
		p := &pieces[i]
		if !p.isParam {
			path = append(path, p.literal...)
			continue
		}
		value, ok := segmentParam(x, p.name)
		if !ok {
			return false
		}
		path = appendEscaped(path, value, segmentBytes)
	}
	x.SetTarget(path, query)
	return true
}

// pathPiece is a literal, escaped, or a parameter of the route.
type pathPiece struct {
	literal []byte
	name    string
	isParam bool
}

// splitPath cuts a path at its parameters.
func splitPath(path string) []pathPiece {
	var pieces []pathPiece
	for {
		at := strings.Index(path, "/:") + 1
		if at == 0 {
			break
		}
		name := path[at+1:]
		if end := strings.IndexByte(name, '/'); end >= 0 {
			name = name[:end]
		}
		pieces = append(pieces, pathPiece{literal: escapeLiteral(path[:at])}, pathPiece{name: name, isParam: true})
		path = path[at+1+len(name):]
	}
	if path != "" {
		pieces = append(pieces, pathPiece{literal: escapeLiteral(path)})
	}
	return pieces
}

func isParamName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !unreserved[c] || c == '.' || c == '~' {
			return false
		}
	}
	return s != ""
}

func paramNames(pieces []pathPiece) []string {
	var names []string
	for _, p := range pieces {
		if p.isParam && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

var noParamBody = []byte("500 route lacks a path parameter\n")

// param returns the value of a route's parameter. Where there is none it answers,
// and ok is false.
func param(x *exchange.Exchange, name string) (value []byte, ok bool) {
	if x.Params != nil {
		value, ok = x.Params.Param(name)
	}
	if !ok {
		// Only a route that was compiled without a look at Params gets here.
		x.Reason = exchange.Panic
		x.Response.Answer(fasthttp.StatusInternalServerError, plainText, noParamBody)
	}
	return value, ok
}

// segmentParam is param for a value that is to stand as one segment of a path. One
// that cannot is answered as well.
func segmentParam(x *exchange.Exchange, name string) (value []byte, ok bool) {
	value, ok = param(x, name)
	if ok && !oneSegment(value) {
		refusePath(x)
		return nil, false
	}
	return value, ok
}

// oneSegment reports whether a decoded value cannot be taken for anything but one
// segment: not none, not several, no step to where it is or upwards.
func oneSegment(value []byte) bool {
	if len(value) == 0 || bytes.ContainsAny(value, "/\\\x00") {
		return false
	}
	if value[0] == '.' && (len(value) == 1 || string(value) == "..") {
		return false
	}
	for i := 0; i+2 < len(value); i++ {
		// The router leaves escaped slashes as they are, so this may be one.
		if value[i] == '%' {
			if b, ok := hexPair(value[i+1], value[i+2]); ok && (b == '/' || b == '\\') {
				return false
			}
		}
	}
	return true
}
