package router

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// methods is a rule's set of methods.
type methods struct {
	listed []string // as in the rule, sorted, each once; empty for any
	taken  []string // listed, and HEAD where GET is
	allow  string   // taken, as the value of an Allow field
	head   bool     // HEAD is listed
}

// parseMethods reads a rule's methods.
func parseMethods(listed []string) (methods, []Problem) {
	var m methods
	var wrong []Problem
	for i, method := range listed {
		if err := checkMethod(method); err != nil {
			wrong = append(wrong, Problem{Field: "methods", Item: i, Key: method, Err: err})
			continue
		}
		m.listed = append(m.listed, method)
	}
	slices.Sort(m.listed)
	m.listed = slices.Compact(m.listed)
	m.head = slices.Contains(m.listed, "HEAD")
	m.taken = m.listed
	if !m.head && slices.Contains(m.listed, "GET") {
		m.taken = append(slices.Clone(m.listed), "HEAD")
		slices.Sort(m.taken)
	}
	m.allow = strings.Join(m.taken, ", ")
	return m, wrong
}

// standardMethods are the names that are surely meant when they come in another case.
var standardMethods = []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}

func checkMethod(method string) error {
	if !isToken(method) {
		return errors.New("not a method: want a token such as GET")
	}
	upper := strings.ToUpper(method)
	if method != upper && slices.Contains(standardMethods, upper) {
		return fmt.Errorf("methods are case-sensitive; write %s", upper)
	}
	return nil
}

func (m *methods) any() bool { return len(m.listed) == 0 }

// take reports whether the method is in the set. It does not allocate.
func (m *methods) take(method []byte) bool {
	if m.any() {
		return true
	}
	for _, taken := range m.taken {
		if string(method) == taken {
			return true
		}
	}
	return false
}

// disjoint reports whether no method is listed in both. HEAD taken along with GET does not count: compareRoutes puts
// the route that lists it first.
func (m *methods) disjoint(other *methods) bool {
	if m.any() || other.any() {
		return false
	}
	for _, method := range m.listed {
		if slices.Contains(other.listed, method) {
			return false
		}
	}
	return true
}

// isToken reports whether s is a token of RFC 9110: what names of methods and fields consist of.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
