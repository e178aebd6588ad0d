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
	leaves []leaf // in matching order
	layers []*fasthttprouter.Router
	root   *leaf // of /*, or nil
	all    bool  // there is only root
	colon  bool  // a literal contains a colon, which trees take for a parameter: they hold it escaped
}

// leaf is the routes of one host whose paths match the same set, in matching order.
type leaf struct {
	routes []*Route
	inner  bool // the path has a parameter with more behind it
}

func (l *leaf) pattern() *pattern { return &l.routes[0].pattern }

// Compile builds the table of the rules, whose order does not matter. If anything is wrong with them it returns no
// table and a *RulesError that holds everything, not just the first mistake. Two rules conflict if they are equally
// specific and one request can satisfy both; see tie.
func Compile(rules []Rule) (*Table, error) {
	var wrong RulesError
	t := &Table{exact: make(map[string]*hostTable), wildcards: make(map[string]*hostTable)}
	shapes := make(map[host]map[string][]*Route)
	for i := range rules {
		r, problems := compileRule(i, &rules[i])
		if len(problems) > 0 {
			wrong.Problems = append(wrong.Problems, problems...)
			continue
		}
		for _, h := range r.hosts {
			if shapes[h] == nil {
				shapes[h] = make(map[string][]*Route)
			}
			shapes[h][r.pattern.shape] = append(shapes[h][r.pattern.shape], r)
		}
	}
	var found ties
	for h, routes := range shapes {
		t.hosts = append(t.hosts, newHostTable(h, routes))
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
	for _, ht := range t.hosts {
		ht.grow()
		t.add(ht)
	}
	return t, nil
}

// compileRule returns the rule's route, or what is wrong with the rule.
func compileRule(index int, rule *Rule) (*Route, []Problem) {
	r := &Route{Name: rule.Name, Handler: rule.Handler, Index: index}
	var wrong []Problem
	var err error
	if r.pattern, err = parsePattern(rule.Path); err != nil {
		wrong = append(wrong, Problem{Field: "path", Key: rule.Path, Err: err})
	}
	for i, text := range rule.Hosts {
		h, err := parseHost(text)
		if err != nil {
			wrong = append(wrong, Problem{Field: "hosts", Item: i, Key: text, Err: err})
		}
		r.hosts = append(r.hosts, h)
	}
	if len(rule.Hosts) == 0 {
		r.hosts = []host{{class: hostAny}}
	}
	slices.SortFunc(r.hosts, compareHosts)
	r.hosts = slices.Compact(r.hosts)
	var bad []Problem
	r.methods, bad = parseMethods(rule.Methods)
	wrong = append(wrong, bad...)
	for from, wanted := range [...]map[string]string{rule.Headers, rule.Query, rule.Cookies} {
		list, bad := parsePredicates(source(from), wanted)
		r.predicates = append(r.predicates, list...)
		wrong = append(wrong, bad...)
	}
	for i := range r.predicates {
		r.weight += int(r.predicates[i].demand)
	}
	for i := range wrong {
		wrong[i].Rule, wrong[i].Name = index, rule.Name
	}
	return r, wrong
}

// newHostTable orders the routes of a host, given by the shape of their path.
func newHostTable(h host, shapes map[string][]*Route) *hostTable {
	ht := &hostTable{host: h, leaves: make([]leaf, 0, len(shapes))}
	for _, routes := range shapes {
		slices.SortFunc(routes, compareRoutes)
		ht.leaves = append(ht.leaves, leaf{routes: routes, inner: routes[0].pattern.inner()})
		ht.colon = ht.colon || routes[0].pattern.colon
	}
	slices.SortFunc(ht.leaves, func(a, b leaf) int {
		p, q := a.pattern(), b.pattern()
		return cmp.Or(strings.Compare(p.kinds, q.kinds), strings.Compare(p.shape, q.shape))
	})
	return ht
}

func (ht *hostTable) findTies(found *ties) {
	for i := range ht.leaves {
		if routes := ht.leaves[i].routes; len(routes) > 1 {
			findTies(routes, func(a, b *Route) { found.add(ht.host, a, b) })
		}
	}
}

// grow builds the trees of the leaves.
func (ht *hostTable) grow() {
	ht.all = len(ht.leaves) == 1 && ht.leaves[0].pattern().segments[0].kind == kindRest
	plan := planner{nodes: make(map[planStep]*planNode)}
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
		if p.segments[0].kind == kindRest {
			ht.root = &ht.leaves[i]
		}
	}
}

// treeMethod is the method under which trees hold every path. Methods are told apart in the leaves.
const treeMethod = ""

// treePaths returns the pattern as fasthttprouter spells it, and for /v1/* also /v1, which its * does not take.
func treePaths(p *pattern) (path, prefix string) {
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
