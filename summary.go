package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

// manySeries is from how many series on validate warns: a scrape has some 10 MB
// then.
const manySeries = 100_000

// maxListed bounds the routes and the upstreams that a summary lists as text.
const maxListed = 200

// summary is what a config amounts to.
type summary struct {
	File     string          `json:"file"`
	OK       bool            `json:"ok"`
	Problems config.Problems `json:"problems,omitempty"` // nothing below is there then
	Warnings config.Problems `json:"warnings,omitempty"`

	Listeners []string            `json:"listeners,omitempty"`
	Admin     string              `json:"admin,omitempty"`
	AccessLog []string            `json:"access_log,omitempty"` // its sinks
	Routes    []proxy.RouteStatus `json:"routes,omitempty"`     // in matching order
	Upstreams []upstreamSummary   `json:"upstreams,omitempty"`
	Tests     int                 `json:"tests"`
	// Series bounds the series of /metrics; see [telemetry.SeriesBound].
	Series *seriesSummary `json:"series,omitempty"`

	middlewares int
}

type upstreamSummary struct {
	Name    string          `json:"name"`
	Balance string          `json:"balance"`
	Hash    string          `json:"hash,omitempty"`
	Targets []targetSummary `json:"targets"`
	Health  string          `json:"health"`
	Retry   string          `json:"retry"`
	Limit   string          `json:"limit,omitempty"`
}

type targetSummary struct {
	Address string `json:"address"`
	Weight  int    `json:"weight"`
	Backup  bool   `json:"backup,omitempty"`
}

type seriesSummary struct {
	Total     int `json:"total"`
	Routes    int `json:"routes"`
	Upstreams int `json:"upstreams"`
	Targets   int `json:"targets"`
	Rest      int `json:"rest"`
}

// inspectConfig checks a config as checkConfig does, and sums it up. The summary is
// there with an error, too, and says little then.
func inspectConfig(path string) (*summary, error) {
	s := &summary{File: path}
	candidate, src, err := loadCandidate(path)
	if err != nil {
		return s, err
	}
	defer candidate.Discard()
	g := candidate.Generation()
	if err := config.Place(src, g.RunTests()); err != nil {
		return s, err
	}
	s.OK = true
	c := g.Config
	for _, l := range c.Listeners {
		s.Listeners = append(s.Listeners, l.Address)
	}
	s.Admin = c.Admin.Address
	c.Log.Access.Each(func(_ string, sink config.AccessSink) { s.AccessLog = append(s.AccessLog, sink.Name()) })
	s.Routes = g.RouteList()
	for _, name := range slices.Sorted(maps.Keys(c.Upstreams)) {
		s.Upstreams = append(s.Upstreams, summarize(name, c.Upstreams[name]))
	}
	s.Tests, s.middlewares = len(c.Tests), len(c.Middlewares)
	bound := telemetry.SeriesBound(c)
	s.Series = &seriesSummary{bound.Total(), bound.Routes, bound.Upstreams, bound.Targets, bound.Rest}
	// What Place returns is nil or Problems.
	errors.As(config.Place(src, errors.Join(c.Warnings(), g.Unreached(), s.Series.warning())), &s.Warnings)
	return s, nil
}

// warning tells of too many series, where those are that are most.
func (s *seriesSummary) warning() error {
	if s.Total <= manySeries {
		return nil
	}
	path := "routes"
	if s.Routes < s.Targets+s.Upstreams {
		path = "upstreams"
	}
	return &config.PathError{Path: path, Err: fmt.Errorf("/metrics can come to have %d series; that is much for one instance to be scraped for", s.Total)}
}

func summarize(name string, u config.Upstream) upstreamSummary {
	s := upstreamSummary{Name: name, Balance: u.Balance, Health: "none"}
	if u.Hash != nil {
		s.Hash = u.Hash.Key
	}
	for _, t := range u.Targets {
		s.Targets = append(s.Targets, targetSummary{t.Address, t.Weight, t.Backup})
	}
	if h := u.Health; h != nil {
		var kinds []string
		if a := h.Active; a != nil {
			what := "connecting"
			if a.Type != config.CheckTCP {
				what = "GET " + a.Path
			}
			kinds = append(kinds, fmt.Sprintf("%s every %s", what, a.Interval))
		}
		if p := h.Passive; p != nil {
			kinds = append(kinds, fmt.Sprintf("out for %s after %d failures", p.Eject, p.Failures))
		}
		s.Health = cmp.Or(strings.Join(kinds, "; "), s.Health)
	}
	s.Retry = "none"
	if u.Retry.Attempts > 1 {
		s.Retry = fmt.Sprintf("at most %d attempts; retries at most %g %% of the requests", u.Retry.Attempts, u.Retry.Budget*100)
	}
	var limits []string
	limit := func(n int, format string) {
		if n > 0 {
			limits = append(limits, fmt.Sprintf(format, n))
		}
	}
	limit(u.Concurrency.Max, "%d requests")
	limit(u.Concurrency.TargetMax, "%d requests a target")
	if a := u.Concurrency.Adaptive; a != nil {
		limits = append(limits, fmt.Sprintf("adaptive, %d to %d", a.Min, a.Max))
	}
	s.Limit = strings.Join(limits, ", ")
	return s
}

// headline is the one line that says that all is well.
func (s *summary) headline() string {
	return fmt.Sprintf("%s: ok: %d listeners, %d upstreams, %d middlewares, %d routes, %d tests passed",
		s.File, len(s.Listeners), len(s.Upstreams), s.middlewares, len(s.Routes), s.Tests)
}

// writeText writes s for people.
func (s *summary) writeText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, s.headline())
	fmt.Fprintf(t, "\nlisteners:   %s\n", strings.Join(s.Listeners, ", "))
	fmt.Fprintf(t, "admin:       %s\n", cmp.Or(s.Admin, "off"))
	fmt.Fprintf(t, "access log:  %s\n", cmp.Or(strings.Join(s.AccessLog, ", "), "off"))
	fmt.Fprintf(t, "metrics:     at most %d series (%d of routes, %d of upstreams, %d of targets, %d others)\n",
		s.Series.Total, s.Series.Routes, s.Series.Upstreams, s.Series.Targets, s.Series.Rest)
	fmt.Fprint(t, "\nroutes, in matching order:\n")
	for i := range s.Routes[:min(len(s.Routes), maxListed)] {
		writeRoute(t, &s.Routes[i])
	}
	omitted(t, len(s.Routes))
	if len(s.Upstreams) > 0 {
		fmt.Fprint(t, "\nupstreams:\n")
	}
	for i := range s.Upstreams[:min(len(s.Upstreams), maxListed)] {
		s.Upstreams[i].writeText(t)
	}
	omitted(t, len(s.Upstreams))
	if len(s.Warnings) > 0 {
		fmt.Fprintf(t, "\nwarnings:\n%s\n", s.Warnings.Format(s.File))
	}
	return t.Flush()
}

func omitted(w io.Writer, n int) {
	if n > maxListed {
		fmt.Fprintf(w, "  and %d more; -json has all\n", n-maxListed)
	}
}

func writeRoute(w io.Writer, r *proxy.RouteStatus) {
	var asks []string
	if len(r.Methods) > 0 {
		asks = append(asks, strings.Join(r.Methods, " "))
	}
	for _, from := range []struct {
		what   string
		wanted map[string]string
	}{{"header", r.Headers}, {"query", r.Query}, {"cookie", r.Cookies}} {
		for _, name := range slices.Sorted(maps.Keys(from.wanted)) {
			asks = append(asks, fmt.Sprintf("%s %s=%s", from.what, name, from.wanted[name]))
		}
	}
	does := r.Middlewares
	switch {
	case r.Upstream != "":
		does = append(slices.Clone(does), "upstream "+r.Upstream)
	case r.Respond > 0:
		does = append(slices.Clone(does), fmt.Sprintf("answer %d", r.Respond))
	}
	fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t-> %s\n", r.Name, strings.Join(r.Hosts, " "), r.Path,
		cmp.Or(strings.Join(asks, ", "), "-"), strings.Join(does, " -> "))
}

func (u *upstreamSummary) writeText(w io.Writer) {
	balance := u.Balance
	if u.Hash != "" {
		balance += " of " + u.Hash
	}
	fmt.Fprintf(w, "  %s: %s\n", u.Name, balance)
	var targets []string
	for _, t := range u.Targets[:min(len(u.Targets), maxListed)] {
		text := t.Address
		if t.Weight != 1 {
			text += fmt.Sprintf(" (weight %d)", t.Weight)
		}
		if t.Backup {
			text += " (backup)"
		}
		targets = append(targets, text)
	}
	if more := len(u.Targets) - maxListed; more > 0 {
		targets = append(targets, fmt.Sprintf("and %d more", more))
	}
	fmt.Fprintf(w, "    targets: %s\n    health:  %s\n    retries: %s\n", strings.Join(targets, ", "), u.Health, u.Retry)
	if u.Limit != "" {
		fmt.Fprintf(w, "    limit:   %s\n", u.Limit)
	}
}
