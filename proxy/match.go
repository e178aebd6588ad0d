package proxy

import (
	"bytes"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/router"
	"github.com/sluiceproxy/sluice/wire"
)

// match finds the route of the request, or answers why there is none.
func (r *request) match() bool {
	r.host = wire.AppendHostKey(r.host[:0], r.Head.Host)
	rule, allow, ok := r.lookUp()
	switch {
	case !ok:
		r.fail(exchange.AmbiguousPath)
	case rule != nil:
		r.route = &r.gen.routes[rule.Index]
		r.Route = rule.Name
		return true
	case allow != "":
		r.fail(exchange.MethodNotAllowed)
		r.Response.Fields.Add("Allow", allow)
	default:
		r.fail(exchange.NoRoute)
	}
	return false
}

// lookUp reads the path and asks the table.
//
// A path that can be read in several ways, as it came, with dot segments and
// escaped slashes resolved, and without the parameters of its segments, must
// choose the same route in each: else the origin could serve by one reading what
// was routed by another. ok is false where it does not, or where limits.paths is
// stricter.
func (r *request) lookUp() (rule *router.Route, allow string, ok bool) {
	path, query, hasQuery := wire.SplitTarget(r.Head.Origin)
	if wire.PlainPath(path) {
		r.path = append(r.path[:0], path...)
		rule, allow = r.ask(r.path)
		return rule, allow, r.sameWithoutParameters(path, rule)
	}
	if r.path, ok = wire.AppendLiteralPath(r.path[:0], path); !ok {
		return nil, "", false
	}
	literal := len(r.path)
	r.path = wire.AppendResolvedPath(r.path, path)
	resolved := r.path[literal:]
	switch r.gen.Config.Limits.Paths {
	case "strict":
		if !wire.StrictPath(path) {
			return nil, "", false
		}
	case "normalized":
		r.path = append(r.path[:0], resolved...)
		r.normalize(query, hasQuery)
		rule, allow = r.ask(r.path)
		return rule, allow, r.sameWithoutParameters(path, rule)
	}
	r.path = r.path[:literal]
	rule, allow = r.ask(r.path)
	if !bytes.Equal(resolved, r.path) {
		if other, _ := r.ask(resolved); other != rule {
			return nil, "", false
		}
	}
	return rule, allow, r.sameWithoutParameters(path, rule)
}

func (r *request) ask(path []byte) (*router.Route, string) {
	return r.gen.table.Match(r.host, r.Head.Method, path, r)
}

// sameWithoutParameters reports whether an origin that cuts off the parameters of
// segments would be asked by the same route.
func (r *request) sameWithoutParameters(path []byte, rule *router.Route) bool {
	if bytes.IndexByte(path, ';') < 0 {
		return true
	}
	// Behind the path that the route matched, which is still needed.
	matched := len(r.path)
	r.path = wire.AppendWithoutParameters(r.path, path)
	bare := len(r.path)
	r.path = wire.AppendResolvedPath(r.path, r.path[matched:])
	other, _ := r.ask(r.path[bare:])
	r.path = r.path[:matched]
	return other == rule
}

// normalize makes the path as it was read the one that is forwarded.
func (r *request) normalize(query []byte, hasQuery bool) {
	r.out = wire.AppendEscapedPath(r.out[:0], r.path)
	if hasQuery {
		r.out = append(append(r.out, '?'), query...)
	}
	r.SetTarget(r.out)
}
