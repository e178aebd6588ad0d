package admin_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/telemetry"
)

const operations = "../docs/OPERATIONS.md"

var update = flag.Bool("update", false, "write the metrics table of docs/OPERATIONS.md anew")

const (
	tableBegin = "<!-- metrics: made by go test ./admin -update -->\n"
	tableEnd   = "<!-- end of metrics -->\n"
)

func metricsTable() string {
	var b strings.Builder
	b.WriteString("| Metric | Type | Labels | What it tells |\n|---|---|---|---|\n")
	for _, d := range telemetry.Definitions() {
		labels := make([]string, len(d.Labels))
		for i, l := range d.Labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Kind, strings.Join(labels, ", "), d.Help)
	}
	return b.String()
}

func TestMetricsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile(operations)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), tableBegin)
	table, after, ended := strings.Cut(rest, tableEnd)
	if !ok || !ended {
		t.Fatal("no place for the table of metrics")
	}
	if table == metricsTable() {
		return
	}
	if !*update {
		t.Fatal("the table of metrics is not that of telemetry; run go test ./admin -update")
	}
	if err := os.WriteFile(operations, []byte(before+tableBegin+metricsTable()+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEndpointsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile(operations)
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(open(t, conf).do("GET", "/endpoints", "").body, "\n\n")
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		if want := fmt.Sprintf("| `%s %s` |", f[0], f[1]); !strings.Contains(string(doc), want) {
			t.Errorf("docs/OPERATIONS.md has no row %s", want)
		}
	}
}
