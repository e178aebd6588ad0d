package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/router"
	"github.com/sluiceproxy/sluice/wire"
)

// unlikely stands for what a route leaves open in the requests that Unreached
// makes: hardly another route asks for just that.
const unlikely = "sluice-validate"

// Unreached makes a request for each route, by what the route asks for, and tells
// of those that other routes or nobody would take. It joins a [config.PathError]
// for each, and is nil where there is none. Routes that ask for a regular
// expression are left out, as nothing is made that fits one.
func (g *Generation) Unreached() error {
	var errs []error
	for i := range g.routes {
		rt := &g.routes[i]
		if q, fate := g.unreached(rt); fate != "" {
			at := fmt.Sprintf("routes[%d]", i)
			errs = append(errs, &config.PathError{Path: at, Err: fmt.Errorf(
				"route %q does not get even the request made for it: %s %s %s", rt.def.Name, q.Method, q.URL, fate)})
		}
	}
	return errors.Join(errs...)
}

// unreached returns what becomes of the last of the requests made for a route,
// and no fate where the route takes one of them.
func (g *Generation) unreached(rt *route) (q Query, fate string) {
	header, query, ok := fitting(rt.def)
	if !ok {
		return q, ""
	}
	methods := rt.def.Methods
	if len(methods) == 0 {
		methods = []string{"GET"}
	}
	for _, host := range rt.rule.Hosts() {
		for _, method := range methods {
			q = Query{Method: method, URL: "http://" + exampleHost(host) + examplePath(rt.def.Path) + query, Header: header}
			if fate = g.missed(q, rt.rule); fate == "" {
				return q, ""
			}
		}
	}
	return q, fate
}

// fitting returns header fields and a query that a route asks for.
func fitting(def *config.Route) (header [][2]string, query string, ok bool) {
	value := func(wanted string) string {
		ok = ok && !strings.HasPrefix(wanted, "~")
		if wanted == "*" {
			return unlikely
		}
		return wanted
	}
	ok = true
	for name, wanted := range def.Headers {
		header = append(header, [2]string{name, value(wanted)})
	}
	for name, wanted := range def.Cookies {
		header = append(header, [2]string{"Cookie", name + "=" + value(wanted)})
	}
	for name, wanted := range def.Query {
		query += "&" + url.QueryEscape(name) + "=" + url.QueryEscape(value(wanted))
	}
	if query != "" {
		query = "?" + query[1:]
	}
	return header, query, ok
}

func exampleHost(host string) string {
	if host == "*" {
		return unlikely + ".invalid"
	}
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		return unlikely + suffix
	}
	return host
}

func examplePath(pattern string) string {
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ":") || part == "*" {
			parts[i] = unlikely
		}
	}
	return string(wire.AppendEscapedPath(nil, []byte(strings.Join(parts, "/"))))
}

// missed returns what becomes of a request that rule does not take.
func (g *Generation) missed(q Query, rule *router.Route) string {
	raw, _, err := q.raw()
	if err != nil {
		return "cannot be sent: " + err.Error()
	}
	var head wire.Head
	n, err := head.Parse(raw, wire.Limits{Bytes: int(g.Config.Limits.HeaderBytes), Fields: g.Config.Limits.Headers})
	if err == nil && n == 0 {
		err = wire.ErrHeadTooLong
	}
	var refusal *wire.Refusal
	if errors.As(err, &refusal) {
		return fmt.Sprintf("is refused: %d %s", refusal.Status, refusal.Reason)
	}
	r := new(request)
	r.prepare(&head, netip.AddrFrom4([4]byte{127, 0, 0, 1}), g)
	if !r.match() {
		f := failures[r.Reason]
		return fmt.Sprintf("is refused: %d %s", f.status, f.text)
	}
	if r.route.rule != rule {
		return fmt.Sprintf("goes to %q", r.Route)
	}
	return ""
}
