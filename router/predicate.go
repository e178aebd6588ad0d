package router

import (
	"cmp"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
)

// source is the part of a request that a predicate looks at.
type source byte

const (
	sourceHeader source = iota
	sourceQuery
	sourceCookie
)

func (s source) String() string { return [...]string{"header", "query", "cookie"}[s] }

// demand is what a value must be; the values are ordered from wide to narrow and are the weights of compareRoutes.
type demand byte

const (
	demandPresent demand = iota
	demandRegexp
	demandExact
)

// predicate is one entry of a rule's headers, query or cookies.
type predicate struct {
	source source
	demand demand
	name   string // a header's in canonical case
	want   string // the exact value, or the text of the regular expression
	re     *regexp.Regexp
}

// parsePredicates reads one of a rule's maps, in the order of the names so that messages come in a stable order.
func parsePredicates(from source, wanted map[string]string) ([]predicate, []Problem) {
	names := make([]string, 0, len(wanted))
	for name := range wanted {
		names = append(names, name)
	}
	slices.Sort(names)
	var list []predicate
	var wrong []Problem
	for _, name := range names {
		p, err := parsePredicate(from, name, wanted[name])
		if err == nil && slices.ContainsFunc(list, func(q predicate) bool { return q.name == p.name }) {
			err = fmt.Errorf("the same header as another spelling of %s", p.name)
		}
		if err != nil {
			wrong = append(wrong, Problem{Field: from.field(), Key: name, Err: err})
			continue
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b predicate) int { return strings.Compare(a.name, b.name) })
	return list, wrong
}

// field is the name of the Rule's field, as in a config file.
func (s source) field() string { return [...]string{"headers", "query", "cookies"}[s] }

func parsePredicate(from source, name, want string) (predicate, error) {
	p := predicate{source: from, demand: demandExact, name: name, want: want}
	if name == "" {
		return p, fmt.Errorf("empty name")
	}
	if from != sourceQuery && !isToken(name) {
		return p, fmt.Errorf("%q cannot be the name of a %s", name, from)
	}
	if from == sourceHeader {
		p.name = textproto.CanonicalMIMEHeaderKey(name)
	}
	if want == "*" {
		p.demand, p.want = demandPresent, ""
	}
	if expr, ok := strings.CutPrefix(want, "~"); ok {
		re, err := regexp.Compile(expr)
		if err != nil {
			return p, fmt.Errorf("cannot use regular expression: %w", err)
		}
		p.demand, p.want, p.re = demandRegexp, expr, re
	}
	return p, nil
}

// matches reports whether one of the values in the request is as demanded. It does not allocate, save what regexp does
// when its pools are cold.
func (p *predicate) matches(req Request) bool {
	for i := 0; ; i++ {
		value, ok := p.value(req, i)
		if !ok {
			return false
		}
		if p.accepts(value) {
			return true
		}
	}
}

func (p *predicate) value(req Request, i int) ([]byte, bool) {
	switch p.source {
	case sourceHeader:
		return req.Header(p.name, i)
	case sourceQuery:
		return req.Query(p.name, i)
	default:
		return req.Cookie(p.name, i)
	}
}

func (p *predicate) accepts(value []byte) bool {
	switch p.demand {
	case demandExact:
		return string(value) == p.want
	case demandRegexp:
		return p.re.Match(value)
	default:
		return true
	}
}

// disjoint reports whether it is sure that no single value satisfies both. Of two regular expressions it is never sure.
func (p *predicate) disjoint(q *predicate) bool {
	if p.demand < q.demand {
		p, q = q, p
	}
	return p.demand == demandExact && !q.accepts([]byte(p.want))
}

// within reports whether it is sure that every value which satisfies p satisfies q.
func (p *predicate) within(q *predicate) bool {
	switch {
	case q.demand == demandPresent:
		return true
	case p.demand == demandExact:
		return q.accepts([]byte(p.want))
	}
	return p.demand == q.demand && p.want == q.want
}

// comparePredicates orders by what is looked at; two predicates of one route never compare equal.
func comparePredicates(a, b *predicate) int {
	return cmp.Or(cmp.Compare(a.source, b.source), strings.Compare(a.name, b.name))
}
