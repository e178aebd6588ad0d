package telemetry

import (
	"bytes"
	"math"
	"math/bits"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// filter is a stage that decides which records go on.
type filter struct {
	when  *condition // nil for all records
	drop  bool       // those that fit end here; else the others do
	oneIn uint64     // of a sample; else 0
	slow  time.Duration
}

// compileFilter compiles a filter for records of shape s; it was checked.
func compileFilter(f *config.AccessFilter, s *shape) filter {
	switch {
	case f.Sample != nil:
		sample := filter{when: compileCondition(f.Sample.When, s), oneIn: uint64(f.Sample.OneIn), slow: f.Sample.Slow.D()}
		s.weigh()
		return sample
	case f.Drop != nil:
		return filter{when: compileCondition(f.Drop, s), drop: true}
	}
	return filter{when: compileCondition(f.Keep, s)}
}

// pass reports whether r goes on. It does not allocate.
func (f *filter) pass(r *record) bool {
	fits := f.when == nil || f.when.fits(r)
	switch {
	case f.oneIn == 0:
		return fits != f.drop
	case !fits || f.always(r.x):
		return true
	}
	// Drawn and not counted off: every hundredth of traffic that comes in rounds
	// of ten would always be the same request.
	over, weight := bits.Mul64(r.weight, f.oneIn)
	if over > 0 {
		weight = math.MaxUint64
	}
	r.weight = weight
	return rand.Uint64N(f.oneIn) == 0
}

// always reports whether x is worth a line whatever the sampling.
func (f *filter) always(x *exchange.Exchange) bool {
	return x.Status >= 500 || x.Reason != exchange.OK || f.slow > 0 && x.Duration >= f.slow
}

// condition is what a record must be: all that is said must hold.
type condition struct {
	statuses    *[600]bool
	minDuration time.Duration
	failed      bool
	routes      []string
	methods     []string
	hosts       []string // in small letters; *. begins a wildcard
	fields      []predicate
}

func compileCondition(a *config.AccessCondition, s *shape) *condition {
	if a == nil {
		return nil
	}
	c := &condition{minDuration: a.MinDuration.D(), failed: a.Failed, routes: a.Routes, methods: a.Methods}
	if ranges, _ := a.Statuses(); ranges != nil {
		c.statuses = new([600]bool)
		for _, r := range ranges {
			for status := r.First; status <= r.Last; status++ {
				c.statuses[status] = true
			}
		}
	}
	for _, host := range a.Hosts {
		c.hosts = append(c.hosts, strings.ToLower(host))
	}
	for name, want := range a.Fields {
		if column := s.find(name); column != nil {
			c.fields = append(c.fields, compilePredicate(*column, want))
		}
	}
	return c
}

func (c *condition) fits(r *record) bool {
	x := r.x
	switch {
	case c.statuses != nil && (x.Status < 0 || x.Status >= len(c.statuses) || !c.statuses[x.Status]),
		x.Duration < c.minDuration,
		c.failed && x.Reason == exchange.OK,
		len(c.routes) > 0 && !oneOf(c.routes, x.Route),
		len(c.methods) > 0 && (x.Head == nil || !oneOf(c.methods, x.Head.Method)),
		len(c.hosts) > 0 && (x.Head == nil || !isHost(c.hosts, x.Head.Host)):
		return false
	}
	for i := range c.fields {
		if !c.fields[i].fits(r) {
			return false
		}
	}
	return true
}

func oneOf[T ~string | ~[]byte](names []string, name T) bool {
	for _, n := range names {
		if n == string(name) {
			return true
		}
	}
	return false
}

// isHost reports whether one of the hosts is a request's, whose port is not
// looked at.
func isHost(hosts []string, host []byte) bool {
	if i := bytes.LastIndexByte(host, ':'); i > bytes.LastIndexByte(host, ']') {
		host = host[:i]
	}
	host = bytes.TrimSuffix(host, []byte{'.'})
	for _, want := range hosts {
		if suffix, wild := strings.CutPrefix(want, "*"); !wild {
			if wire.EqualFold(host, want) {
				return true
			}
		} else if n := len(host) - len(suffix); n > 0 && wire.EqualFold(host[n:], suffix) {
			return true
		}
	}
	return false
}

// predicate is what the value of a column must be.
type predicate struct {
	column  column
	any     bool
	exact   string
	matches *regexp.Regexp
}

func compilePredicate(c column, want string) predicate {
	p := predicate{column: c, exact: want, any: want == "*"}
	if expr, ok := strings.CutPrefix(want, "~"); ok {
		p.matches = regexp.MustCompile(expr) // checked when the config was parsed
	}
	return p
}

func (p *predicate) fits(r *record) bool {
	// Not scratch: the column may need that itself.
	value, ok := p.column.append(r.line[:0], r, asIs)
	r.line = value[:0]
	switch {
	case !ok:
		return false
	case p.any:
		return true
	case p.matches != nil:
		return p.matches.Match(value)
	}
	return string(value) == p.exact
}
