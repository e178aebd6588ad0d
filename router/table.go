package router

import (
	"cmp"
	"slices"
	"strings"

	"github.com/buaazp/fasthttprouter"
	"github.com/valyala/fasthttp"
)

// Table finds the route of a request. It is immutable and safe from any goroutine.
type Table struct {
	exact     map[string]*hostTable
	wildcards map[string]*hostTable // by what follows the *
	longest   int                   // bytes of the longest key of wildcards
	anyHost   *hostTable            // nil if no route is for any host

	hosts  []*hostTable // all of them, in matching order
	routes []*Route     // in matching order
}

// hostTable is what one host has: leaves, and the trees that lead to them.
type hostTable struct {
	host   host
	routes []*Route // in matching order
	leaves []leaf   // as well
	layers []*fasthttprouter.Router
	root   *leaf // of /*, or nil
	all    bool  // there is only root
	colon  bool  // a literal contains a colon, which trees take for a parameter: they hold it escaped
}

// leaf is the routes of one host whose paths match the same set, in matching order.
type leaf struct {
	only   [1]*Route // what routes is, where it is one
	routes []*Route
	inner  bool // the path has a parameter with more behind it
}

func (l *leaf) pattern() *pattern { return &l.routes[0].pattern }

// Compile builds the table of the rules, whose order does not matter. If anything is wrong with them it returns no
// table and a *RulesError that holds everything, not just the first mistake. Two rules conflict if they are equally
// specific and one request can satisfy both; see tie.
func Compile(rules []Rule) (*Table, error) { return CompileAfter(nil, rules) }

// CompileAfter is Compile for the rules that take the place of those of a table, which may be nil: a host whose paths are
// what they were shares its trees with it, as they do not change any more. Most of the work is to build those.
func CompileAfter(before *Table, rules []Rule) (*Table, error) {
	var wrong RulesError
	t := &Table{exact: make(map[string]*hostTable), wildcards: make(map[string]*hostTable)}
	tables := make(map[host]*hostTable)
	routes := make([]Route, len(rules))
	var c compiler
	var last *hostTable // rules of one host mostly stand together
	for i := range rules {
		r := &routes[i]
		problems := c.compile(r, i, &rules[i])
		if len(problems) > 0 {
			wrong.Problems = append(wrong.Problems, problems...)
			continue
		}
		for _, h := range r.hosts {
			if last == nil || last.host != h {
				if last = tables[h]; last == nil {
					last = &hostTable{host: h}
					tables[h] = last
				}
			}
			last.routes = append(last.routes, r)
		}
	}
	var found ties
	for _, ht := range tables {
		ht.order()
		t.hosts = append(t.hosts, ht)
	}
	slices.SortFunc(t.hosts, func(a, b *hostTable) int { return compareHosts(a.host, b.host) })
	for _, ht := range t.hosts {
		ht.findTies(&found)
	}
	wrong.Conflicts = found.found
	slices.SortFunc(wrong.Conflicts, func(a, b Conflict) int { return slices.Compare(a.Rules[:], b.Rules[:]) })
	if len(wrong.Problems)+len(wrong.Conflicts) > 0 {
		return nil, &wrong
	}
	t.routes = make([]*Route, 0, len(rules))
	var plan planner
	for _, ht := range t.hosts {
		if !ht.share(before.of(ht.host)) {
			ht.grow(&plan)
		}
		t.add(ht)
	}
	return t, nil
}

// order makes leaves of the routes of a host.
func (ht *hostTable) order() {
	slices.SortFunc(ht.routes, func(a, b *Route) int {
		p, q := &a.pattern, &b.pattern
		return cmp.Or(strings.Compare(p.kinds, q.kinds), strings.Compare(p.shape, q.shape), compareRoutes(a, b))
	})
	shapes := 0
	for i, r := range ht.routes {
		if i == 0 || r.pattern.shape != ht.routes[i-1].pattern.shape {
			shapes++
		}
	}
	ht.leaves = make([]leaf, 0, shapes)
	for from := 0; from < len(ht.routes); {
		to, p := from+1, &ht.routes[from].pattern
		for to < len(ht.routes) && ht.routes[to].pattern.shape == p.shape {
			to++
		}
		ht.leaves = append(ht.leaves, leaf{routes: ht.routes[from:to:to], inner: p.inner()})
		l := &ht.leaves[len(ht.leaves)-1]
		if to-from == 1 {
			l.only[0] = ht.routes[from]
			l.routes = l.only[:]
		}
		ht.colon = ht.colon || p.colon
		if p.segments[0].kind == kindRest {
			ht.root = l
		}
		from = to
	}
	ht.all = ht.root != nil && len(ht.leaves) == 1
}

func (ht *hostTable) findTies(found *ties) {
	for i := range ht.leaves {
		if routes := ht.leaves[i].routes; len(routes) > 1 {
			findTies(routes, func(a, b *Route) { found.add(ht.host, a, b) })
		}
	}
}

// of returns the table of a host, nil if there is none.
func (t *Table) of(h host) *hostTable {
	switch {
	case t == nil:
		return nil
	case h.class == hostExact:
		return t.exact[h.name]
	case h.class == hostWildcard:
		return t.wildcards[h.name]
	}
	return t.anyHost
}

// share takes over the trees of a table, nil included, and reports whether it could: they know nothing of the leaves but
// their shapes and numbers.
func (ht *hostTable) share(before *hostTable) bool {
	same := func(a, b leaf) bool { return a.pattern().shape == b.pattern().shape }
	if before == nil || !slices.EqualFunc(ht.leaves, before.leaves, same) {
		return false
	}
	ht.layers = before.layers
	return true
}

// grow builds the trees of the leaves.
func (ht *hostTable) grow(plan *planner) {
	plan.clear()
	for i := range ht.leaves {
		p := ht.leaves[i].pattern()
		layer := plan.place(p)
		for len(ht.layers) <= layer {
			ht.layers = append(ht.layers, &fasthttprouter.Router{})
		}
		path, prefix := treePaths(p)
		found := foundLeaf(i)
		ht.layers[layer].Handle(treeMethod, path, found)
		if prefix != "" {
			ht.layers[layer].Handle(treeMethod, prefix, found)
		}
	}
}

// treeMethod is the method under which trees hold every path. Methods are told apart in the leaves.
const treeMethod = ""

// treePaths returns the pattern as fasthttprouter spells it, and for /v1/* also /v1, which its * does not take. Trees may
// outlive the text of the pattern, which is a part of the config's.
func treePaths(p *pattern) (path, prefix string) {
	if p.params == 0 && !p.colon {
		if !p.rest() {
			return strings.Clone(p.text), ""
		}
		path = p.text + "r"
		return path, path[:len(p.text)-len("/*")]
	}
	var b strings.Builder
	for _, s := range p.segments {
		switch s.kind {
		case kindRest:
			prefix = b.String()
			b.WriteString("/*r")
		case kindParam:
			b.WriteString("/:p") // one name for all, as a tree refuses two names in one place
		default:
			b.WriteByte('/')
			b.WriteString(strings.ReplaceAll(s.text, ":", escapedColon))
		}
	}
	return b.String(), prefix
}

// foundLeaf is the handler that a tree holds for the i-th leaf. A tree gives out handlers and nothing else, so the
// handler is called with a finder's context and leaves the number there, in the one integer that costs nothing to set.
func foundLeaf(i int) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) { ctx.Response.SetStatusCode(i + 1) } // 0 would read as 200
}

// add enters a host, which must come in matching order.
func (t *Table) add(ht *hostTable) {
	switch h := ht.host; h.class {
	case hostExact:
		t.exact[h.name] = ht
		t.exact[bareAddress(h.name)] = ht
	case hostWildcard:
		t.wildcards[h.name] = ht
		t.longest = max(t.longest, len(h.name))
	case hostAny:
		t.anyHost = ht
	}
	for i := range ht.leaves {
		for _, r := range ht.leaves[i].routes {
			if r.hosts[0] == ht.host {
				t.routes = append(t.routes, r)
			}
		}
	}
}

// Routes returns the routes in matching order, a route of several hosts at the place of its first. Where two routes
// cannot both match, their order says nothing. The slice is the caller's.
func (t *Table) Routes() []*Route { return slices.Clone(t.routes) }
