package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// printTable writes the verdicts for a terminal; failed leaves out the cases that
// every contestant held.
func printTable(w io.Writer, names []string, verdicts []verdict, failed bool) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "CASE\t%s\n", strings.ToUpper(strings.Join(names, "\t")))
	for _, v := range verdicts {
		if failed && v.heldByAll() {
			continue
		}
		fmt.Fprintf(t, "%s: %s\t%s\n", v.group, v.c.Name, strings.Join(v.columns(), "\t"))
	}
	fmt.Fprintf(t, "held\t%s\n", strings.Join(totals(verdicts), "\t"))
	return t.Flush()
}

func (v *verdict) heldByAll() bool {
	return !slices.ContainsFunc(v.outcomes, func(o outcome) bool { return !o.held })
}

func (v *verdict) columns() []string {
	columns := make([]string, len(v.outcomes))
	for i, o := range v.outcomes {
		columns[i] = o.String()
	}
	return columns
}

// totals counts the cases that each contestant held.
func totals(verdicts []verdict) []string {
	if len(verdicts) == 0 {
		return nil
	}
	counts := make([]string, len(verdicts[0].outcomes))
	for i := range counts {
		held := 0
		for _, v := range verdicts {
			if v.outcomes[i].held {
				held++
			}
		}
		counts[i] = fmt.Sprintf("%d of %d", held, len(verdicts))
	}
	return counts
}

const documentStart = `# HTTP/1.1, case by case

Written by ` + "`go run ./conformance -write docs/HTTP.md`" + `; do not edit.

Each line is one rule, tried with raw bytes over real sockets, between a scripted client and a scripted origin. The test of
package conformance runs the same cases against Sluice. *ok* means that the rule held; else the cell says what was done instead.

The peers run with the configuration in conformance/nginx.go and conformance/haproxy.go. Where they may choose, they are
held to the principle and not to our choice: any refusal is as good as ours, status and body of an error are theirs, names of
fields compare without case except where case is the subject; and *forwarded clean* means that what we refuse was sent on in a form
that every origin reads alike. A cell that is not *ok* is not always a defect of a peer: some rules are
stricter than what the RFCs demand, as a proxy wants to be that stands in front of origins it does not know.

`

// printDocument writes the verdicts as Markdown.
func printDocument(w io.Writer, groups []Group, names, versions []string, verdicts []verdict) error {
	var b strings.Builder
	b.WriteString(documentStart)
	for i, v := range versions {
		fmt.Fprintf(&b, "- %s: %s\n", names[i], v)
	}
	b.WriteString("\n")
	row(&b, append([]string{"", "Cases"}, names...)...)
	rule(&b, len(names)+2)
	for _, g := range groups {
		row(&b, append([]string{"", g.Title}, totals(ofGroup(verdicts, g.Title))...)...)
	}
	row(&b, append([]string{"", "**all**"}, totals(verdicts)...)...)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", g.Title, g.Note)
		row(&b, append([]string{"", "Case", "From"}, names...)...)
		rule(&b, len(names)+3)
		for _, v := range ofGroup(verdicts, g.Title) {
			cells := v.columns()
			if v.c.Todo != "" {
				cells[0] += " (to do: " + v.c.Todo + ")"
			}
			row(&b, append([]string{"", v.c.Name, v.c.Ref}, cells...)...)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func ofGroup(verdicts []verdict, title string) (of []verdict) {
	for _, v := range verdicts {
		if v.group == title {
			of = append(of, v)
		}
	}
	return of
}

// row writes a line of a table; the first cell is empty and stands for its edge.
func row(b *strings.Builder, cells ...string) {
	for i, c := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "\n", " ", "`", "'", "<", "&lt;").Replace(c)
	}
	b.WriteString(strings.TrimPrefix(strings.Join(cells, " | "), " ") + " |\n")
}

func rule(b *strings.Builder, columns int) {
	b.WriteString(strings.Repeat("|---", columns-1) + "|\n")
}
