package router

import (
	"slices"
	"strings"
)

// Match returns the most specific route that takes the request: exact host before wildcard (the longest first) before
// any; then path, segment by segment, static before parameter before *; then the number of predicates. A route whose
// predicates do not hold leaves the request to the next one, also to one of a less specific path or host.
//
// The host must be in lower case, without port and trailing dot; it may be empty. The path is decoded and begins with a
// slash; any other, such as the target of OPTIONS *, is taken by /* only. Both may hold any bytes. req may be nil.
//
// A nil route with an empty allow is a 404. With allow set it is a 405: some route takes all of the request but its
// method, and allow is the value of the Allow field, the methods of all such routes.
//
// Match takes no lock and does not allocate, except for an allow drawn from several routes.
func (t *Table) Match(host, method, path []byte, req Request) (route *Route, allow string) {
	if req == nil {
		req = bare{}
	}
	refused := false
	w := t.walk(host, path)
	for l := w.next(); l != nil; l = w.next() {
		for _, r := range l.routes {
			if r.plain {
				w.close()
				return r, ""
			}
			if !r.methods.take(method) {
				refused = true
				continue
			}
			if r.satisfied(req) {
				w.close()
				return r, ""
			}
		}
	}
	w.close()
	if refused {
		return nil, t.allow(host, path, req)
	}
	return nil, ""
}

// allow returns the methods of the routes that take everything else of the request.
func (t *Table) allow(host, path []byte, req Request) string {
	var first *Route
	var all []string
	w := t.walk(host, path)
	defer w.close()
	for l := w.next(); l != nil; l = w.next() {
		for _, r := range l.routes {
			if !r.satisfied(req) {
				continue
			}
			if first == nil {
				first = r
			} else if r.methods.allow != first.methods.allow {
				all = append(all, r.methods.taken...)
			}
		}
	}
	switch {
	case first == nil:
		return ""
	case all == nil:
		return first.methods.allow
	}
	all = append(all, first.methods.taken...)
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
