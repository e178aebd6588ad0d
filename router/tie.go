package router

import (
	"fmt"
	"slices"
	"strings"
)

// Two routes of one host whose paths match the same set tie if they have the same number of predicates and
//   - some method is listed by both, or one of them lists none, and
//   - no header, query or cookie name is wanted by both with values of which no single one fits both, and
//   - neither is narrower: the same methods and names, and each value the same or narrower (exact before ~ before *).
//
// Paths that differ in more than parameter names never tie: where they overlap, the first segment that differs in kind
// decides. A request that repeats a name with two different values can satisfy two routes that are told apart by that
// name only; the one whose own name sorts first takes it.
func tie(a, b *Route) bool {
	return a.count() == b.count() && !disjoint(a, b) && !narrower(a, b) && !narrower(b, a)
}

// disjoint reports whether it is sure that no request without repeated names satisfies both.
func disjoint(a, b *Route) bool {
	if a.methods.disjoint(&b.methods) {
		return true
	}
	i, j := 0, 0
	for i < len(a.predicates) && j < len(b.predicates) {
		p, q := &a.predicates[i], &b.predicates[j]
		c := comparePredicates(p, q)
		if c == 0 && p.disjoint(q) {
			return true
		}
		if c <= 0 {
			i++
		}
		if c >= 0 {
			j++
		}
	}
	return false
}

// narrower reports whether a takes a true part of what b takes, by its values alone.
func narrower(a, b *Route) bool {
	if a.weight <= b.weight || len(a.predicates) != len(b.predicates) || !slices.Equal(a.methods.listed, b.methods.listed) {
		return false
	}
	for i := range a.predicates {
		p, q := &a.predicates[i], &b.predicates[i]
		if comparePredicates(p, q) != 0 || !p.within(q) {
			return false
		}
	}
	return true
}

// peers are routes that want exact values of the same names: two of them with different values are disjoint, so that
// a thousand tenants told apart by a header are not compared each with each.
type peers struct {
	all    []*Route
	values map[string][]*Route
}

// findTies calls report for each of the routes that ties with an earlier one, once, with the earlier one first.
func findTies(routes []*Route, report func(first, second *Route)) {
	groups := make(map[string]*peers)
	var order []string
	for _, r := range routes {
		names, values := exactKeys(r)
		if first := firstTie(r, names, values, order, groups); first != nil {
			report(first, r)
		}
		g := groups[names]
		if g == nil {
			g = &peers{values: make(map[string][]*Route)}
			groups[names] = g
			order = append(order, names)
		}
		g.all = append(g.all, r)
		g.values[values] = append(g.values[values], r)
	}
}

func firstTie(r *Route, names, values string, order []string, groups map[string]*peers) *Route {
	for _, group := range order {
		others := groups[group].all
		if group == names {
			others = groups[group].values[values]
		}
		for _, other := range others {
			if tie(other, r) {
				return other
			}
		}
	}
	return nil
}

// exactKeys returns the names of which the route wants exact values, and the values, each as one comparable text.
func exactKeys(r *Route) (names, values string) {
	var n, v strings.Builder
	for i := range r.predicates {
		if p := &r.predicates[i]; p.demand == demandExact {
			fmt.Fprintf(&n, "%d%q", p.source, p.name)
			fmt.Fprintf(&v, "%q", p.want)
		}
	}
	return n.String(), v.String()
}

// ties collects conflicts over all hosts, one for each pair of rules.
type ties struct {
	found []Conflict
	at    map[[2]int]int // position in found
}

func (t *ties) add(on host, a, b *Route) {
	if a.Index > b.Index {
		a, b = b, a
	}
	pair := [2]int{a.Index, b.Index}
	at, known := t.at[pair]
	if !known {
		if t.at == nil {
			t.at = make(map[[2]int]int)
		}
		at = len(t.found)
		t.at[pair] = at
		t.found = append(t.found, Conflict{
			Rules: pair,
			Names: [2]string{a.Name, b.Name},
			Paths: [2]string{a.pattern.text, b.pattern.text},
		})
	}
	t.found[at].Hosts = append(t.found[at].Hosts, on.String())
}
