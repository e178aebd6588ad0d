package proxy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
)

// maxTestFailures bounds the failed tests that are told with their reasons;
// finding these walks all routes.
const maxTestFailures = 100

// RunTests runs the config's own tests against the generation: each takes the
// way of a real request up to the choice of a target, and nothing is sent. Which
// targets are usable does not matter. The error joins a [config.PathError] for
// each expectation that did not come true; see [config.Place].
func (g *Generation) RunTests() error {
	var errs []error
	failed := 0
	for i := range g.Config.Tests {
		found := g.runTest(i)
		if len(found) == 0 {
			continue
		}
		if failed++; failed > maxTestFailures {
			continue
		}
		errs = append(errs, found...)
	}
	if more := failed - maxTestFailures; more > 0 {
		errs = append(errs, &config.PathError{Path: "tests", Err: fmt.Errorf("and %d more tests failed", more)})
	}
	return errors.Join(errs...)
}

// runTest returns what differs in the i-th test. What serves a request may panic,
// as it may under real ones: whoever runs the tests holds a candidate open.
func (g *Generation) runTest(i int) (errs []error) {
	t := &g.Config.Tests[i]
	at := fmt.Sprintf("tests[%d].", i)
	defer func() {
		if v := recover(); v != nil {
			errs = []error{&config.PathError{Path: at + "request", Err: fmt.Errorf("the request makes Sluice panic: %v", v)}}
		}
	}()
	q := Query{Method: t.Request.Method, URL: t.Request.URL}
	for _, name := range slices.Sorted(maps.Keys(t.Request.Headers)) {
		q.Header = append(q.Header, [2]string{name, t.Request.Headers[name]})
	}
	e, err := g.explain(q, false)
	if err != nil {
		return []error{&config.PathError{Path: at + "request", Err: err}}
	}
	want := &t.Expect
	if want.Route != "" && want.Route != e.Route {
		// What else differs follows from this.
		got := fmt.Sprintf("%q", e.Route)
		if e.Route == "" {
			got = e.fate()
		}
		err := fmt.Errorf("expected route %q, got %s%s", want.Route, got, g.whyNot(q, want.Route))
		return []error{&config.PathError{Path: at + "expect.route", Err: err}}
	}
	differs := func(key, format string, args ...any) {
		errs = append(errs, &config.PathError{Path: at + "expect." + key, Err: fmt.Errorf(format, args...)})
	}
	e.compare(want, differs)
	return errs
}

// compare tells what differs from an expectation, but for the route.
func (e *Explanation) compare(want *config.Expectation, differs func(key, format string, args ...any)) {
	if want.Status != 0 && (e.Forward != nil || want.Status != e.status()) {
		differs("status", "expected status %d, got %s", want.Status, e.fate())
	}
	if want.Upstream != "" && (e.Forward == nil || want.Upstream != e.Forward.Upstream) {
		differs("upstream", "expected upstream %q, got %s", want.Upstream, e.fate())
		if e.Forward == nil {
			return // the path would say the same
		}
	}
	if want.Path == "" {
		return
	}
	if e.Forward == nil {
		differs("path", "expected path %q to be sent, got %s", want.Path, e.fate())
		return
	}
	got := e.Forward.Path
	if strings.Contains(want.Path, "?") {
		got = e.Forward.Target
	}
	if want.Path != got {
		differs("path", "expected path %q, got %q", want.Path, got)
	}
}

// status is what the client is answered where the request is not forwarded.
func (e *Explanation) status() int {
	if e.Verdict == VerdictRefuse {
		return e.Status
	}
	return e.Answer.Status
}

// fate says in a few words what becomes of the request.
func (e *Explanation) fate() string {
	switch {
	case e.Forward != nil:
		return fmt.Sprintf("upstream %q", e.Forward.Upstream)
	case e.Verdict == VerdictRefuse:
		return fmt.Sprintf("%d %s", e.Status, e.Reason)
	}
	return fmt.Sprintf("an answer of Sluice's own with status %d", e.Answer.Status)
}

// whyNot says in brackets why a route was not chosen, as far as that is known.
func (g *Generation) whyNot(q Query, route string) string {
	e, err := g.explain(q, true)
	if err != nil {
		return ""
	}
	var reasons []string
	for i := range e.Why {
		if c := &e.Why[i]; c.Route == route && !slices.Contains(reasons, c.Reason) {
			reasons = append(reasons, c.Reason)
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s: %s)", route, strings.Join(reasons, "; "))
}
