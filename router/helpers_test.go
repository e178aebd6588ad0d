package router

import (
	"errors"
	"net/textproto"
	"testing"
)

// request is a Request from maps; the keys of headers are canonical.
type request struct{ headers, query, cookies map[string][]string }

func (r *request) Header(name string, i int) ([]byte, bool) {
	return nth(r.headers[textproto.CanonicalMIMEHeaderKey(name)], i)
}
func (r *request) Query(name string, i int) ([]byte, bool)  { return nth(r.query[name], i) }
func (r *request) Cookie(name string, i int) ([]byte, bool) { return nth(r.cookies[name], i) }

func nth(values []string, i int) ([]byte, bool) {
	if i >= len(values) {
		return nil, false
	}
	return []byte(values[i]), true
}

// mustCompile fails the test if the rules are not a table.
func mustCompile(t testing.TB, rules ...Rule) *Table {
	t.Helper()
	table, err := Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// wrongRules returns what Compile has against the rules.
func wrongRules(t testing.TB, rules ...Rule) *RulesError {
	t.Helper()
	table, err := Compile(rules)
	var wrong *RulesError
	if !errors.As(err, &wrong) || table != nil {
		t.Fatalf("Compile gave %v, %v; want a *RulesError and no table", table, err)
	}
	return wrong
}

// match returns the name of the route, "404", or "405 " and the methods allowed.
func match(table *Table, host, method, path string, req Request) string {
	r, allow := table.Match([]byte(host), []byte(method), []byte(path), req)
	switch {
	case r != nil:
		return r.Name
	case allow != "":
		return "405 " + allow
	}
	return "404"
}
