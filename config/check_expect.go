package config

import (
	"fmt"
	"slices"
	"strings"
)

// tests checks the config's own tests as far as that can be done without a
// routing table.
func (k *checker) tests() {
	if len(k.config.Tests) == 0 {
		return
	}
	routes, readable := k.routeNames()
	for i := range k.config.Tests {
		t, p := &k.config.Tests[i], path{}.key("tests").at(i)
		k.testRequest(p.key("request"), &t.Request)
		k.expectation(p.key("expect"), &t.Expect)
		name := t.Expect.Route
		if _, ok := slices.BinarySearch(routes, name); !ok && name != "" && readable {
			k.addUnknown(p.key("expect").key("route"), "route", name, routes)
		}
	}
}

// routeNames returns the names of all routes, sorted, and whether all could be
// read: one that could not is empty, and may be the one that is meant.
func (k *checker) routeNames() (names []string, readable bool) {
	names = make([]string, len(k.config.Routes))
	for i := range names {
		names[i] = k.config.Routes[i].Name
	}
	slices.Sort(names)
	return names, len(names) == 0 || names[0] != ""
}

func (k *checker) testRequest(p path, t *TestRequest) {
	if !isToken(t.Method) {
		k.add(p.key("method"), "%q is not a method", shorten(t.Method))
	}
	if err := checkTestURL(t.URL); err != nil {
		k.add(p.key("url"), "%v", err)
	} else if t.URL[0] == '/' && !hasHost(t.Headers) {
		k.addAcross(p, []string{"url", "headers"}, fmt.Sprintf(
			"the request has no Host; write the url as %q or put a Host into headers", "http://example.com"+shorten(t.URL)))
	}
	k.sameField(p.key("headers"), t.Headers)
	for name, value := range t.Headers {
		switch {
		case !isToken(name):
			k.addKey(p.key("headers").key(name), fmt.Sprintf("%q is not the name of a header field", shorten(name)))
		case strings.ContainsAny(value, "\r\n\x00"):
			k.add(p.key("headers").key(name), "the value of %s contains a line break or a NUL", name)
		}
	}
}

// checkTestURL reports what is wrong with the URL of a test. Its path is not
// looked at: that a malformed one is refused may be what is tested.
func checkTestURL(url string) error {
	scheme, rest, absolute := strings.Cut(url, "://")
	scheme = strings.ToLower(scheme)
	switch {
	case url == "":
		return fmt.Errorf("the url is empty")
	case strings.ContainsAny(url, " \t") || hasControl(url):
		return fmt.Errorf("%q contains a space or a control character, which a request cannot carry", shorten(url))
	case strings.Contains(url, "#"):
		return fmt.Errorf("%q: what follows # is never sent; remove it", shorten(url))
	case url[0] == '/':
		return nil
	case !absolute || scheme != "http" && scheme != "https":
		return fmt.Errorf("%q is neither http://host/path, https://host/path nor /path", shorten(url))
	case rest == "" || strings.ContainsRune("/?", rune(rest[0])):
		return fmt.Errorf("%q has no host", shorten(url))
	}
	return nil
}

func hasHost(fields map[string]string) bool {
	for name := range fields {
		if strings.EqualFold(name, "Host") {
			return true
		}
	}
	return false
}

func (k *checker) expectation(p path, e *Expectation) {
	if *e == (Expectation{}) {
		k.add(p, "nothing is expected; name a route, an upstream, a path or a status")
		return
	}
	if e.Status != 0 && (e.Status < 200 || e.Status > 599) {
		k.add(p.key("status"), "%d is not between 200 and 599", e.Status)
	}
	if e.Status != 0 && (e.Upstream != "" || e.Path != "") {
		k.addAcross(p, []string{"status", "upstream", "path"},
			"status is for requests that Sluice answers itself, upstream and path for those it forwards; leave one kind out")
	}
	if _, ok := k.config.Upstreams[e.Upstream]; e.Upstream != "" && !ok {
		k.addUnknown(p.key("upstream"), "upstream", e.Upstream, k.upstreams)
	}
	switch {
	case e.Path == "":
	case e.Path[0] != '/':
		k.add(p.key("path"), "%q does not begin with /", shorten(e.Path))
	case strings.ContainsAny(e.Path, " \t#") || hasControl(e.Path):
		k.add(p.key("path"), "%q is never sent: a path is written as on the wire, percent-encoded and without #", shorten(e.Path))
	}
}
