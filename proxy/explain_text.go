package proxy

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/upstream"
)

// maxWhyLines bounds the routes that WriteText shows.
const maxWhyLines = 20

// WriteText writes e for people: a label and its value a line.
func (e *Explanation) WriteText(w io.Writer) error {
	t := &textWriter{w: w}
	t.line("request", "%s %s", e.Method, printable(e.URL))
	switch {
	case e.Verdict == VerdictRefuse:
		t.line("verdict", "refused: %d %s", e.Status, e.Reason)
	case e.Forward != nil:
		t.line("verdict", "forwarded to upstream %s", e.Forward.Upstream)
	default:
		t.line("verdict", "answered by Sluice: %d", e.Answer.Status)
	}
	if e.Path != "" {
		t.line("matched by", "host %s, path %s", printable(e.Host), printable(e.Path))
	}
	if e.Resolved != "" {
		t.line("", "path read another way: %s", printable(e.Resolved))
	}
	if e.Route != "" {
		t.line("route", "%s, path %s", e.Route, e.Pattern)
		if len(e.Middlewares) > 0 {
			t.line("middlewares", "%s", strings.Join(e.Middlewares, ", "))
		}
	}
	e.writeWhy(t)
	if e.Forward != nil {
		e.Forward.writeText(t)
	}
	if e.Answer != nil {
		e.Answer.writeText(t)
	}
	return t.err
}

func (e *Explanation) writeWhy(t *textWriter) {
	omitted := e.Omitted
	var rows [][]string
	for i := range e.Why {
		c := &e.Why[i]
		if len(rows) >= maxWhyLines && !c.Chosen {
			omitted++
			continue
		}
		reason := c.Reason
		if c.Chosen {
			reason = "chosen"
		}
		rows = append(rows, []string{c.Route, c.Host + c.Pattern, printable(reason)})
	}
	t.table("why", rows)
	if omitted > 0 {
		t.line("", "and %d more", omitted)
	}
}

func (p *ForwardPlan) writeText(t *textWriter) {
	label := "sends"
	for line := range strings.SplitSeq(strings.TrimSuffix(p.Head, "\r\n\r\n"), "\r\n") {
		t.line(label, "%s", printable(line))
		label = ""
	}
	t.line("balance", "%s", p.Balance)
	if h := p.Hash; h != nil {
		switch {
		case h.Missing:
			t.line("hash", "%s is not in the request: any target", h.Key)
		default:
			t.line("hash", "%s is %q: %s", h.Key, h.Value, h.Hash)
		}
	}
	var rows [][]string
	for i := range p.Targets {
		rows = append(rows, p.Targets[i].cells(p))
	}
	t.table("targets", rows)
	t.line("timeouts", "connect %s, response_header %s, idle %s, request %s", orNone(p.Timeouts.Connect),
		orNone(p.Timeouts.ResponseHeader), orNone(p.Timeouts.Idle), orNone(p.Timeouts.Request))
}

func (s *RatedTarget) cells(p *ForwardPlan) []string {
	notes := []string{"usable"}
	if !s.Usable {
		notes[0] = "not usable"
	}
	if s.State != upstream.Up.String() {
		notes = append(notes, s.State)
	}
	if s.Trial {
		notes = append(notes, "on trial")
	}
	if s.Limit > 0 && s.InFlight >= s.Limit {
		notes = append(notes, "full")
	}
	if s.Drained {
		notes = append(notes, "drained")
	}
	if s.Backup {
		notes = append(notes, "backup")
	}
	if s.Share < 1 {
		notes = append(notes, fmt.Sprintf("share %.2f", s.Share))
	}
	if s.InFlight > 0 {
		notes = append(notes, fmt.Sprintf("%d in flight", s.InFlight))
	}
	if s.LatencyMS > 0 {
		notes = append(notes, fmt.Sprintf("%.1f ms", s.LatencyMS))
	}
	switch {
	case s.Address == p.Owner:
		notes = append(notes, "owner")
	case s.Rating != nil:
		notes = append(notes, s.rated(p.Rating))
	}
	return []string{s.Address, fmt.Sprintf("weight %d", s.Weight), strings.Join(notes, ", ")}
}

// rated puts a rating into words.
func (s *RatedTarget) rated(rating string) string {
	switch rating {
	case lb.RateChance:
		return fmt.Sprintf("%.3g%% of picks", 100**s.Rating)
	case lb.RateTurn:
		return fmt.Sprintf("turn %.0f", *s.Rating)
	}
	return fmt.Sprintf("%s %.3g", rating, *s.Rating)
}

func (a *AnswerPlan) writeText(t *textWriter) {
	t.line("answers", "%d", a.Status)
	for _, f := range a.Header {
		t.line("", "%s: %s", f[0], printable(f[1]))
	}
	if body := strings.TrimSuffix(a.Body, "\n"); body != "" {
		const most = 200
		if len(body) > most {
			body = fmt.Sprintf("%s… (%d bytes)", body[:most], len(a.Body))
		}
		t.line("", "%s", printable(body))
	}
}

func orNone(span string) string {
	if span == "0s" {
		return "none"
	}
	return span
}

// printable quotes what could steer a terminal.
func printable(s string) string {
	for i := range len(s) {
		if s[i] < 0x20 && s[i] != '\t' || s[i] == 0x7f {
			return fmt.Sprintf("%q", s)
		}
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// textWriter writes labelled lines until one fails.
type textWriter struct {
	w   io.Writer
	err error
}

const labelWidth = 13

func (t *textWriter) line(label, format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, "%-*s%s\n", labelWidth, label, fmt.Sprintf(format, args...))
	}
}

// table writes rows in columns, the label before the first.
func (t *textWriter) table(label string, rows [][]string) {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		// A strings.Builder does not fail.
		_, _ = fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	_ = tw.Flush()
	for line := range strings.Lines(b.String()) {
		t.line(label, "%s", strings.TrimRight(line, " \n"))
		label = ""
	}
}
