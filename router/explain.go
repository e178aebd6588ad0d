package router

import "fmt"

// Candidate is a route as one lookup saw it, under one of its hosts.
type Candidate struct {
	Route  *Route
	Host   string // the element of the route's hosts, in normal form; "*" for any
	Chosen bool
	Reason string // why it was not chosen; empty if it was
}

// Explain tells what Match does with a request: every route under each of its hosts, in matching order, with the reason
// why it was passed over. It is for people and costs time and memory in proportion to the table.
func (t *Table) Explain(host, method, path []byte, req Request) []Candidate {
	if req == nil {
		req = bare{}
	}
	tried := make(map[*leaf]bool)
	w := t.walk(host, path)
	for l := w.next(); l != nil; l = w.next() {
		tried[l] = true
	}
	w.close()
	var list []Candidate
	var chosen *Route
	for _, ht := range t.hosts {
		for i := range ht.leaves {
			for _, r := range ht.leaves[i].routes {
				c := Candidate{Route: r, Host: ht.host.String()}
				switch {
				case !ht.host.fits(host):
					c.Reason = fmt.Sprintf("host %q is not %s", host, c.Host)
				case !tried[&ht.leaves[i]]:
					c.Reason = fmt.Sprintf("path %q does not match %s", path, r.Pattern())
				default:
					c.Reason = r.refusal(method, req)
				}
				switch {
				case c.Reason != "":
				case chosen == nil:
					c.Chosen, chosen = true, r
				default:
					c.Reason = fmt.Sprintf("would match, but route %q is more specific", chosen.Name)
				}
				list = append(list, c)
			}
		}
	}
	return list
}

// refusal says which of its predicates the request fails, or nothing if it satisfies all.
func (r *Route) refusal(method []byte, req Request) string {
	if !r.methods.take(method) {
		return fmt.Sprintf("method %q is not among %s", method, r.methods.allow)
	}
	for i := range r.predicates {
		p := &r.predicates[i]
		if p.matches(req) {
			continue
		}
		value, ok := p.value(req, 0)
		switch {
		case !ok:
			return fmt.Sprintf("%s %s is missing", p.source, p.name)
		case p.demand == demandRegexp:
			return fmt.Sprintf("%s %s is %q, which does not match ~%s", p.source, p.name, value, p.want)
		default:
			return fmt.Sprintf("%s %s is %q, not %q", p.source, p.name, value, p.want)
		}
	}
	return ""
}
