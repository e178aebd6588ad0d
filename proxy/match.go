package proxy

import (
	"bytes"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/router"
	"github.com/sluiceproxy/sluice/wire"
)

// match finds the route of the request, or answers why there is none.
//
// A path that can be read in two ways, as it came and with dot segments and
// escaped slashes resolved, must choose the same route in both: else the origin
// could serve by one reading what was routed by the other.
func (r *request) match() bool {
	path, _, _ := wire.SplitTarget(r.Head.Origin)
	r.host = wire.AppendHostKey(r.host[:0], r.Head.Host)
	table := r.gen.table
	var rule *router.Route
	var allow string
	if wire.PlainPath(path) {
		r.path = append(r.path[:0], path...)
		rule, allow = table.Match(r.host, r.Head.Method, path, r)
	} else {
		var ok bool
		if r.path, ok = wire.AppendLiteralPath(r.path[:0], path); !ok {
			r.fail(exchange.AmbiguousPath)
			return false
		}
		rule, allow = table.Match(r.host, r.Head.Method, r.path, r)
		literal := len(r.path)
		r.path = wire.AppendResolvedPath(r.path, path)
		resolved := r.path[literal:]
		r.path = r.path[:literal]
		if !bytes.Equal(resolved, r.path) {
			if other, _ := table.Match(r.host, r.Head.Method, resolved, r); other != rule {
				r.fail(exchange.AmbiguousPath)
				return false
			}
		}
	}
	if rule != nil {
		r.route = r.gen.routes[rule.Index]
		r.Route = rule.Name
		return true
	}
	if allow == "" {
		r.fail(exchange.NoRoute)
		return false
	}
	r.fail(exchange.MethodNotAllowed)
	r.Response.Fields.Add("Allow", allow)
	return false
}
