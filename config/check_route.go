package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

func (k *checker) routes() {
	all := path{}.key("routes")
	if len(k.config.Routes) == 0 {
		k.add(all, "there is no route; every request would be answered 404")
	}
	taken := make(map[string]int, len(k.config.Routes))
	p := all.at(0) // of one route after the other: they are many
	for i := range k.config.Routes {
		r := &k.config.Routes[i]
		p[len(p)-1].index = i
		if err := checkName(r.Name); err != nil {
			k.add(p.key("name"), "%v", err)
		} else if first, ok := taken[r.Name]; ok {
			k.add(p.key("name"), "%q is already the name of routes[%d]", shorten(r.Name), first)
		} else {
			taken[r.Name] = i
		}
		if err := checkPath(r.Path); err != nil {
			k.add(p.key("path"), "%v", err)
		}
		k.hosts(p, r.Hosts)
		k.methods(p, r.Methods)
		k.predicates(p, r)
		k.answer(p, r)
		if r.Respond != nil {
			k.respond(p.key("respond"), r.Respond)
		}
	}
}

// hosts checks those of the route or condition at p.
func (k *checker) hosts(p path, hosts []string) {
	for i, host := range hosts {
		if err := checkRouteHost(host); err != nil {
			k.add(p.key("hosts").at(i), "%v", err)
			continue
		}
		same := func(other string) bool { return strings.EqualFold(other, host) }
		if first := slices.IndexFunc(hosts[:i], same); first >= 0 {
			k.add(p.key("hosts").at(i), "%q stands twice; hosts[%d] is the same", shorten(host), first)
		}
	}
}

// methods checks those of the route or condition at p.
func (k *checker) methods(p path, methods []string) {
	for i, method := range methods {
		if err := checkMethod(method); err != nil {
			k.add(p.key("methods").at(i), "%v", err)
		} else if slices.Contains(methods[:i], method) {
			k.add(p.key("methods").at(i), "%s stands twice", method)
		}
	}
}

func (k *checker) predicates(p path, r *Route) {
	if len(r.Headers)+len(r.Cookies)+len(r.Query) == 0 {
		return
	}
	k.predicate(p.key("headers"), r.Headers, true)
	k.predicate(p.key("cookies"), r.Cookies, false)
	k.predicate(p.key("query"), r.Query, false)
}

// predicate checks the names and values of a route's headers, query or cookies.
// Names of query parameters may be anything; fold says that case does not count.
func (k *checker) predicate(p path, want map[string]string, fold bool) {
	anyName := p[len(p)-1].key == "query"
	if fold {
		k.sameField(p, want)
	}
	for name, value := range want {
		switch {
		case anyName && (name == "" || hasControl(name)):
			k.addKey(p.key(name), "this is not the name of a query parameter")
		case !anyName && !isToken(name):
			k.addKey(p.key(name), fmt.Sprintf("%q is not a name that %s can have", shorten(name), p[len(p)-1].key))
		}
		if err := checkPredicate(value); err != nil {
			k.add(p.key(name), "%v", err)
		}
	}
}

// checkPredicate reports what is wrong with the value of a predicate.
func checkPredicate(value string) error {
	if hasControl(value) {
		return fmt.Errorf("%q contains a control character and would never match", shorten(value))
	}
	expr, isRegexp := strings.CutPrefix(value, "~")
	if !isRegexp {
		return nil
	}
	if expr == "" {
		return fmt.Errorf(`no regular expression follows ~; write "*" for any value`)
	}
	if _, err := regexp.Compile(expr); err != nil {
		return fmt.Errorf("bad regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return nil
}

// sameField notes names of header fields that differ only in case.
func (k *checker) sameField(p path, fields map[string]string) {
	if len(fields) < 2 {
		return
	}
	taken := make(map[string]string, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		lower := strings.ToLower(name)
		if first, ok := taken[lower]; ok {
			k.addKey(p.key(name), fmt.Sprintf("%s and %s are the same header field", first, name))
		}
		taken[lower] = name
	}
}

// answer checks that exactly one thing answers the route's requests, and that
// what it names is there.
func (k *checker) answer(p path, r *Route) {
	answers := k.chain(p, r)
	switch {
	case r.Upstream != "" && r.Respond != nil:
		k.addAcross(p, []string{"upstream", "respond"}, "upstream and respond both answer; leave one of them out")
	case r.Upstream == "" && r.Respond == nil && !answers:
		k.addAcross(p, []string{"upstream", "respond", "middlewares"}, "nothing answers; give the route an upstream or a respond")
	}
	if _, ok := k.config.Upstreams[r.Upstream]; r.Upstream != "" && !ok {
		k.addUnknown(p.key("upstream"), "upstream", r.Upstream, k.upstreams)
	}
}

// chain checks the middlewares of a route and reports whether one of them may answer.
func (k *checker) chain(p path, r *Route) (answers bool) {
	for i, name := range r.Middlewares {
		at := p.key("middlewares").at(i)
		m, ok := k.config.Middlewares[name]
		if !ok {
			k.addUnknown(at, "middleware", name, k.middlewares)
		}
		if u, ok := m.Options.(interface{ Params() []string }); ok && k.trusted(p.key("path")) {
			k.params(at, name, r.Path, u.Params())
		}
		a, ok := m.Options.(interface{ Answers() bool })
		// A middleware that could not be read may have been meant to answer.
		answers = answers || m.Options == nil || ok && a.Answers()
	}
	return answers
}

// params checks that the path of a route has the parameters a middleware takes from it.
func (k *checker) params(p path, middleware, routePath string, names []string) {
	have := strings.Split(routePath, "/")
	for _, name := range names {
		if !slices.Contains(have, ":"+name) {
			k.add(p, "middleware %q takes the parameter :%s from the path, and %q has none of that name", shorten(middleware), name, shorten(routePath))
		}
	}
}

func (k *checker) respond(p path, r *Respond) {
	if r.Status < 200 || r.Status > 599 {
		k.add(p.key("status"), "%d is not between 200 and 599", r.Status)
	}
	if r.Body != "" && (r.Status == 204 || r.Status == 205 || r.Status == 304) {
		k.add(p.key("body"), "an answer with status %d has no body", r.Status)
	}
	k.sameField(p.key("headers"), r.Headers)
	for name, value := range r.Headers {
		if err := checkRespondField(name, value); err != nil {
			k.addKey(p.key("headers").key(name), err.Error())
		}
	}
}
