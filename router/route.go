package router

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/valyala/fasthttp"
)

// Route is a compiled Rule. It is immutable and safe from any goroutine.
type Route struct {
	// What a match reads stands together at the beginning, and routes begin with a
	// cache line: of many, each is to be fetched from memory.
	Name    string
	Handler fasthttp.RequestHandler
	Index   int  // position of its Rule in what was compiled
	plain   bool // without methods and predicates

	pattern    pattern
	hosts      []host
	methods    methods
	predicates []predicate // ordered by kind, then name
	weight     int         // sum of the predicates' weights
}

// Pattern returns the path as the rule spells it.
func (r *Route) Pattern() string { return r.pattern.text }

// Hosts returns the hosts of the route in normal form, in matching order; "*" stands for any host.
func (r *Route) Hosts() []string {
	names := make([]string, len(r.hosts))
	for i, h := range r.hosts {
		names[i] = h.String()
	}
	return names
}

// Param returns what a path that the route matched has in the place of :name, as a slice of path. The name "*" gives
// what the trailing * took, without the slash before it: empty for /v1 and /v1/ under /v1/*, "a/b" for /v1/a/b. It does
// not allocate. ok is false if the pattern has no such name, or the path is not one that the route matches.
func (r *Route) Param(path []byte, name string) (value []byte, ok bool) {
	at, ok := r.pattern.position(name)
	if !ok {
		return nil, false
	}
	if len(path) == 0 || path[0] != '/' {
		return path, name == "*" && at == 0 // such a path is taken by /* only
	}
	rest := path[1:]
	for ; at > 0; at-- {
		slash := bytes.IndexByte(rest, '/')
		if slash < 0 {
			// The pattern's * took nothing, not even a slash.
			return rest[len(rest):], name == "*" && at == 1
		}
		rest = rest[slash+1:]
	}
	if name == "*" {
		return rest, true
	}
	if slash := bytes.IndexByte(rest, '/'); slash >= 0 {
		rest = rest[:slash]
	}
	return rest, true
}

// count is the number of predicates; the set of methods is one.
func (r *Route) count() int {
	if r.methods.any() {
		return len(r.predicates)
	}
	return len(r.predicates) + 1
}

// satisfied reports whether everything but the method fits. It does not allocate.
func (r *Route) satisfied(req Request) bool {
	for i := range r.predicates {
		if !r.predicates[i].matches(req) {
			return false
		}
	}
	return true
}

// compareRoutes orders the routes of one host and path: more predicates first, then those that list HEAD over those
// that take it along with GET, then the narrower values. Routes that are equal so far are disjoint, or Compile would
// have refused them; the names make the order independent of the rules' order.
func compareRoutes(a, b *Route) int {
	if c := cmp.Compare(b.count(), a.count()); c != 0 {
		return c
	}
	if a.methods.head != b.methods.head {
		if a.methods.head {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.Name, b.Name), cmp.Compare(a.Index, b.Index))
}
