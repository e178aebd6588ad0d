package router

import (
	"cmp"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
)

// What follows says what the package does in the plainest way: every rule is looked at for every request, and the best
// of those that fit is taken. It shares no code with the package.

// naive is a rule under one of its hosts, as a match.
type naive struct {
	rule  *Rule
	index int
	host  string
}

// naiveMatch returns the position of the rule chosen, or -1 and the value of Allow.
func naiveMatch(rules []Rule, host, method, path string, req *request) (int, string) {
	var whole []naive
	var allow []string
	for i := range rules {
		r := &rules[i]
		if !naivePath(r.Path, path) || !naivePredicates(r, req) {
			continue
		}
		for _, h := range naiveHosts(r) {
			if !naiveHost(h, host) {
				continue
			}
			if taken := naiveTaken(r); taken == nil || slices.Contains(taken, method) {
				whole = append(whole, naive{r, i, h})
			} else {
				allow = append(allow, taken...)
			}
		}
	}
	if len(whole) > 0 {
		return slices.MinFunc(whole, compareNaive).index, ""
	}
	slices.Sort(allow)
	return -1, strings.Join(slices.Compact(allow), ", ")
}

func compareNaive(a, b naive) int {
	class := func(host string) int { return slices.Index([]bool{host[0] != '*', host != "*", true}, true) }
	listsHead := func(r *Rule) int { return cmp.Compare(0, slices.Index(r.Methods, "HEAD")+1) }
	return cmp.Or(
		cmp.Compare(class(a.host), class(b.host)),
		cmp.Compare(len(b.host)*class(b.host), len(a.host)*class(a.host)), // among wildcards; exact ones are equal
		compareNaivePaths(a.rule.Path, b.rule.Path),
		cmp.Compare(naiveCount(b.rule), naiveCount(a.rule)),
		cmp.Compare(listsHead(a.rule), listsHead(b.rule)),
		cmp.Compare(naiveWeight(b.rule), naiveWeight(a.rule)),
		strings.Compare(a.rule.Name, b.rule.Name),
	)
}

func compareNaivePaths(a, b string) int {
	rank := func(segment string) int {
		switch {
		case segment == "*":
			return 3
		case segment == "<end>":
			return 2
		case strings.HasPrefix(segment, ":"):
			return 1
		}
		return 0
	}
	as, bs := append(strings.Split(a, "/"), "<end>"), append(strings.Split(b, "/"), "<end>")
	return slices.CompareFunc(as, bs, func(x, y string) int { return cmp.Compare(rank(x), rank(y)) })
}

func naiveHosts(r *Rule) []string {
	if len(r.Hosts) == 0 {
		return []string{"*"}
	}
	return r.Hosts
}

func naiveHost(want, host string) bool {
	if suffix, wild := strings.CutPrefix(want, "*"); wild {
		return suffix == "" || len(host) > len(suffix) && strings.HasSuffix(host, suffix)
	}
	return want == host
}

func naivePath(want, path string) bool {
	if !strings.HasPrefix(path, "/") {
		return want == "/*"
	}
	prefix, below := strings.CutSuffix(want, "/*")
	ws, ps := strings.Split(prefix, "/"), strings.Split(path, "/")
	if len(ps) < len(ws) || !below && len(ps) > len(ws) {
		return false
	}
	for i, w := range ws {
		if strings.HasPrefix(w, ":") && ps[i] != "" {
			continue
		}
		if w != ps[i] {
			return false
		}
	}
	return true
}

func naiveTaken(r *Rule) []string {
	if slices.Contains(r.Methods, "GET") {
		return append([]string{"HEAD"}, r.Methods...)
	}
	return r.Methods
}

func naiveCount(r *Rule) int {
	return len(r.Headers) + len(r.Query) + len(r.Cookies) + min(len(r.Methods), 1)
}

func naiveWeight(r *Rule) int {
	sum := 0
	for _, wanted := range []map[string]string{r.Headers, r.Query, r.Cookies} {
		for _, want := range wanted {
			switch {
			case want == "*":
			case strings.HasPrefix(want, "~"):
				sum++
			default:
				sum += 2
			}
		}
	}
	return sum
}

func naivePredicates(r *Rule, req *request) bool {
	holds := func(wanted map[string]string, has func(name string) []string) bool {
		for name, want := range wanted {
			if !slices.ContainsFunc(has(name), func(value string) bool { return naiveValue(want, value) }) {
				return false
			}
		}
		return true
	}
	return holds(r.Headers, func(n string) []string { return req.headers[textproto.CanonicalMIMEHeaderKey(n)] }) &&
		holds(r.Query, func(n string) []string { return req.query[n] }) &&
		holds(r.Cookies, func(n string) []string { return req.cookies[n] })
}

func naiveValue(want, value string) bool {
	if expr, ok := strings.CutPrefix(want, "~"); ok {
		return regexp.MustCompile(expr).MatchString(value)
	}
	return want == "*" || want == value
}

// sampleValues tell every two of sampleWants apart that are not the same, and fit both of those that can fit together.
var (
	sampleWants  = []string{"1", "2", "12", "*", "~^1", "~2$"}
	sampleValues = []string{"1", "2", "12", "21", ""}
)

// naiveTie reports whether some request with values of sampleValues fits both rules and nothing says which is the more
// specific. Names that only one of the rules asks for do not matter.
func naiveTie(a, b *Rule) bool {
	shares := slices.ContainsFunc(naiveHosts(a), func(h string) bool { return slices.Contains(naiveHosts(b), h) })
	if !shares || naiveShape(a.Path) != naiveShape(b.Path) || naiveCount(a) != naiveCount(b) {
		return false
	}
	if len(a.Methods) > 0 && len(b.Methods) > 0 &&
		!slices.ContainsFunc(a.Methods, func(m string) bool { return slices.Contains(b.Methods, m) }) {
		return false
	}
	aInB, bInA, same := true, true, true // over the values of the names that both want
	keys := 0
	for i, wa := range []map[string]string{a.Headers, a.Query, a.Cookies} {
		wb := []map[string]string{b.Headers, b.Query, b.Cookies}[i]
		for name, x := range wa {
			y, ok := wb[name]
			if !ok {
				continue
			}
			keys++
			both := false
			for _, v := range sampleValues {
				inA, inB := naiveValue(x, v), naiveValue(y, v)
				both = both || inA && inB
				aInB = aInB && (!inA || inB)
				bInA = bInA && (!inB || inA)
				same = same && inA == inB
			}
			if !both {
				return false
			}
		}
	}
	sameNames := keys == len(a.Headers)+len(a.Query)+len(a.Cookies) && keys == len(b.Headers)+len(b.Query)+len(b.Cookies)
	sameMethods := slices.Equal(slices.Sorted(slices.Values(a.Methods)), slices.Sorted(slices.Values(b.Methods)))
	return same || !sameNames || !sameMethods || !aInB && !bInA
}

func naiveShape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, ":") {
			segments[i] = ":"
		}
	}
	return strings.Join(segments, "/")
}
