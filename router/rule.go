// Package router chooses the route of a request: host, then path, then predicates, the most specific first.
// It knows nothing of config files, connections or forwarding; it carries a route's handler and never calls it.
package router

import "github.com/valyala/fasthttp"

// Rule says what a route matches. Compile reads it and keeps no reference to its slices and maps.
type Rule struct {
	// Name stands in error messages and decides between two routes that one request with repeated values satisfies alike.
	Name string

	// Hosts lists exact names ("api.example.com"), wildcards ("*.example.com": every name below it, at any depth,
	// not example.com itself) and "*" (any host). Empty means any host. Case and a trailing dot do not matter.
	Hosts []string

	// Path is matched against the decoded path: "/a" is exact, "/users/:id" has a parameter that takes one non-empty
	// segment, "/v1/*" is "/v1" and everything below it on a segment boundary, "/*" is everything.
	Path string

	// Methods lists the methods taken, spelt as on the wire; empty means any. GET takes HEAD too, as in other servers,
	// but a route that lists HEAD itself comes first where all else is equal.
	Methods []string

	// Headers, Query and Cookies map a name to the value it must have: "*" for any value, "~re" for a regular
	// expression (RE2, not anchored), anything else exactly. Where a name comes repeatedly, one fitting value is enough.
	Headers map[string]string
	Query   map[string]string
	Cookies map[string]string

	// Handler is handed on in Route.Handler.
	Handler fasthttp.RequestHandler
}

// Request is what predicates look at. Each method returns the i-th value of a name, counting from 0, and ok false past
// the last. Header names are compared without regard to case, the other names exactly; query names and values are
// decoded. The values are only read, and only during the call of Match.
type Request interface {
	Header(name string, i int) (value []byte, ok bool)
	Query(name string, i int) (value []byte, ok bool)
	Cookie(name string, i int) (value []byte, ok bool)
}

// bare is a request without headers, query and cookies; it stands in for a nil Request.
type bare struct{}

func (bare) Header(string, int) ([]byte, bool) { return nil, false }
func (bare) Query(string, int) ([]byte, bool)  { return nil, false }
func (bare) Cookie(string, int) ([]byte, bool) { return nil, false }
