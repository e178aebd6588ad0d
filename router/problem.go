package router

import (
	"fmt"
	"strings"
)

// Problem is a rule that cannot be used, and the place of the mistake.
type Problem struct {
	Rule  int    // position of the rule
	Name  string // of the rule
	Field string // path, hosts, methods, headers, query or cookies
	Item  int    // position in hosts or methods; 0 elsewhere
	Key   string // the name in headers, query or cookies; elsewhere the text that is wrong
	Err   error
}

func (p *Problem) Error() string {
	return fmt.Sprintf("route %q: %s %q: %v", p.Name, p.Field, p.Key, p.Err)
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Conflict is two rules neither of which is more specific than the other, although one request can satisfy both.
type Conflict struct {
	Rules [2]int    // positions, the smaller first
	Names [2]string // of the rules
	Paths [2]string // as the rules spell them
	Hosts []string  // the hosts they share, in matching order; "*" for any
}

func (c *Conflict) Error() string {
	paths := c.Paths[0]
	if c.Paths[1] != paths {
		paths += " and " + c.Paths[1]
	}
	hosts := c.Hosts[0]
	if hosts == "*" {
		hosts = "any host"
	}
	if more := len(c.Hosts) - 1; more > 0 {
		hosts += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("routes %q and %q tie: both take %s on %s, and neither is more specific; "+
		"make their methods differ or let one ask for more", c.Names[0], c.Names[1], paths, hosts)
}

// RulesError is everything that is wrong with a set of rules. Conflicts are looked for among usable rules only.
type RulesError struct {
	Problems  []Problem  // in the order of the rules
	Conflicts []Conflict // a rule in conflict with several others is named with the first of them
}

func (e *RulesError) Error() string {
	var text strings.Builder
	for i, err := range e.Unwrap() {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(err.Error())
	}
	return text.String()
}

// Unwrap returns each problem and conflict as an error of its own.
func (e *RulesError) Unwrap() []error {
	all := make([]error, 0, len(e.Problems)+len(e.Conflicts))
	for i := range e.Problems {
		all = append(all, &e.Problems[i])
	}
	for i := range e.Conflicts {
		all = append(all, &e.Conflicts[i])
	}
	return all
}
