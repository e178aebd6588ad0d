package router

import (
	"slices"
	"strings"
)

// compiler makes routes of rules. Of a hundred thousand there are many small parts,
// which stand side by side: each by itself would cost the collector as much as the
// building of it.
type compiler struct {
	segments slab[segment]
	hosts    slab[host]
	kinds    map[string]string // each once
	buf      []byte
	lastText string // a host as it came
	last     host   // and as it was understood
}

// slab cuts short lists out of long ones.
type slab[T any] struct{ free []T }

// cut returns a list of n zero values.
func (s *slab[T]) cut(n int) []T {
	const block = 512
	if n > block/8 {
		return make([]T, n)
	}
	if len(s.free) < n {
		s.free = make([]T, block)
	}
	list := s.free[:n:n]
	s.free = s.free[n:]
	return list
}

// compile makes r the rule's route and returns what is wrong with the rule.
func (c *compiler) compile(r *Route, index int, rule *Rule) []Problem {
	r.Name, r.Handler, r.Index = rule.Name, rule.Handler, index
	var wrong []Problem
	var err error
	if r.pattern, err = c.parsePattern(rule.Path); err != nil {
		wrong = append(wrong, Problem{Field: "path", Key: rule.Path, Err: err})
	}
	r.hosts = c.hosts.cut(max(1, len(rule.Hosts)))
	r.hosts[0].class = hostAny // where none is said
	for i, text := range rule.Hosts {
		if r.hosts[i], err = c.parseHost(text); err != nil {
			wrong = append(wrong, Problem{Field: "hosts", Item: i, Key: text, Err: err})
		}
	}
	if len(r.hosts) > 1 {
		slices.SortFunc(r.hosts, compareHosts)
		r.hosts = slices.Compact(r.hosts)
	}
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
	r.plain = r.methods.any() && len(r.predicates) == 0
	for i := range wrong {
		wrong[i].Rule, wrong[i].Name = index, rule.Name
	}
	return wrong
}

// parseHost is parseHost for one that is often the same as that before.
func (c *compiler) parseHost(text string) (host, error) {
	if text == c.lastText && text != "" {
		return c.last, nil
	}
	h, err := parseHost(text)
	if err == nil {
		c.lastText, c.last = text, h
	}
	return h, err
}

// intern returns kinds as a string that equal ones share.
func (c *compiler) intern(kinds []byte) string {
	if s, ok := c.kinds[string(kinds)]; ok {
		return s
	}
	if c.kinds == nil {
		c.kinds = make(map[string]string)
	}
	s := string(kinds)
	c.kinds[s] = s
	return s
}

// parsePattern reads a rule's path.
func (c *compiler) parsePattern(text string) (pattern, error) {
	p := pattern{text: text}
	if err := checkPathText(text); err != nil {
		return p, err
	}
	p.segments = c.segments.cut(strings.Count(text, "/"))
	kinds, rest := c.buf[:0], text[1:]
	for i := range p.segments {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		s, err := parseSegment(part, i == len(p.segments)-1)
		if err != nil {
			return p, err
		}
		if s.kind == kindParam {
			if p.params++; p.params > maxParams {
				return p, tooManyParams()
			}
			if _, twice := (&pattern{segments: p.segments[:i]}).position(s.text); twice {
				return p, paramTwice(s.text)
			}
		}
		p.colon = p.colon || s.kind == kindStatic && strings.Contains(s.text, ":")
		p.segments[i] = s
		kinds = append(kinds, byte(s.kind))
	}
	if !p.rest() {
		kinds = append(kinds, byte(kindEnd))
	}
	c.buf = kinds
	p.kinds = c.intern(kinds)
	p.shape = text
	if p.params > 0 {
		p.shape = p.shapeText()
	}
	return p, nil
}
