package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// observed is a Sluice in which everything that has a metric has happened.
type observed struct {
	*process
	admin string
	text  string // a scrape
}

func observe(t *testing.T) *observed {
	t.Helper()
	dead, release := reserve(t), make(chan struct{})
	held := make(chan struct{}, 1)
	slow := origin(t, func(w http.ResponseWriter, _ *http.Request) {
		held <- struct{}{}
		<-release
	})
	o := &observed{admin: reserve(t)}
	o.process = serve(t, fmt.Sprintf(`"admin": {"address": %q},
"log": {"access": {"path": %q, "stages": [{"filter": {"drop": {"routes": ["slow"]}}}]}},
"upstreams": {
  "api": {"targets": [{"address": %q}, {"address": %q}], "health": {"passive": {"failures": 1, "eject": "60s"}}},
  "dead": {"targets": [{"address": %q}]},
  "slow": {"targets": [{"address": %q}], "concurrency": {"max": 1, "queue": 0}}
},
"routes": [
  {"name": "api", "path": "/api/*", "upstream": "api"},
  {"name": "dead", "path": "/dead", "upstream": "dead"},
  {"name": "slow", "path": "/slow", "upstream": "slow"}
]`, o.admin, filepath.Join(t.TempDir(), "access.log"), named(t, "well"), dead, dead, slow))
	c := client(t)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Get("http://" + o.addr + "/slow")
		ended <- err
	}()
	from(t, held)
	get(t, c, "http://"+o.addr+"/slow").wants(t, 503, "")
	close(release)
	if err := from(t, ended); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		get(t, c, "http://"+o.addr+"/api/x").wants(t, 200, "well")
	}
	get(t, c, "http://"+o.addr+"/dead").wants(t, 502, "")
	get(t, c, "http://"+o.addr+"/nowhere").wants(t, 404, "")
	o.text = get(t, c, "http://"+o.admin+"/metrics").body
	return o
}

// labels are the values that each label of a metric has in a scrape.
type labels map[string][]string

var (
	sampleLine = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	matcher    = regexp.MustCompile(`(\w+)(=~|!=|!~|=)"([^"]*)"`)
	metricName = regexp.MustCompile(`\b(?:sluice|go|process)_\w+`)
	selector   = regexp.MustCompile(`\b((?:sluice|go|process)_\w+)\{([^}]*)\}`)
	grouping   = regexp.MustCompile(`\b(?:by|on|without) \(([^)]*)\)`)
	legend     = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}`)
)

func readScrape(text string) map[string]labels {
	all := make(map[string]labels)
	for _, m := range sampleLine.FindAllStringSubmatch(text, -1) {
		l := all[m[1]]
		if l == nil {
			// What Prometheus adds.
			l = labels{"job": nil, "instance": nil}
			all[m[1]] = l
		}
		for _, pair := range matcher.FindAllStringSubmatch(m[2], -1) {
			l[pair[1]] = append(l[pair[1]], pair[3])
		}
	}
	return all
}

// query is one expression that is shipped, with the labels that texts about its
// result name.
type query struct{ where, expr, about string }

// queries returns all that stand in deploy.
func queries(t *testing.T) []query {
	t.Helper()
	var all []query
	for part := range strings.SplitSeq(read(t, "rules.yml"), "- alert: ") {
		name, rest, _ := strings.Cut(part, "\n")
		if expr, about, ok := strings.Cut(rest, "labels: {"); ok {
			_, expr, _ = strings.Cut(expr, "expr:")
			expr = regexp.MustCompile(`(?m)^\s*for: \w+$`).ReplaceAllString(strings.TrimPrefix(expr, " |\n"), "")
			all = append(all, query{name, strings.TrimSpace(expr), about})
		}
	}
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			all = append(all, query{p.Title, target.Expr, target.LegendFormat})
		}
	}
	if len(all) < 60 {
		t.Fatalf("only %d queries found", len(all))
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type dashboard struct {
	Panels []struct {
		ID                   int
		Type, Title          string
		GridPos              struct{ X, Y, W, H int }
		FieldConfig          struct{ Defaults struct{ Unit string } }
		Targets              []struct{ RefID, Expr, LegendFormat string }
		Datasource           struct{ UID string }
		Description, Options any
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Annotations struct{ List []struct{ Expr string } }
}

func readDashboard(t *testing.T) *dashboard {
	t.Helper()
	d := new(dashboard)
	if err := json.Unmarshal([]byte(read(t, "grafana.json")), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDashboardAndAlertsUseRealMetrics looks for each metric, label and value that
// deploy names in a scrape of the built binary.
func TestDashboardAndAlertsUseRealMetrics(t *testing.T) {
	t.Parallel()
	there := readScrape(observe(t).text)
	reasons, err := os.ReadFile("../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	all := queries(t)
	d := readDashboard(t)
	for _, v := range d.Templating.List {
		all = append(all, query{where: "variable " + v.Name, expr: v.Definition})
	}
	for _, a := range d.Annotations.List {
		all = append(all, query{where: "annotation", expr: a.Expr})
	}
	for _, q := range all {
		known := labels{"value": nil}
		for _, name := range metricName.FindAllString(q.expr, -1) {
			if there[name] == nil {
				t.Errorf("%s: there is no metric %s", q.where, name)
			}
			for label := range there[name] {
				known[label] = nil
			}
		}
		for _, m := range selector.FindAllStringSubmatch(q.expr, -1) {
			for _, match := range matcher.FindAllStringSubmatch(m[2], -1) {
				checkMatcher(t, q.where, m[1], there[m[1]], match, string(reasons))
			}
		}
		for _, g := range grouping.FindAllStringSubmatch(q.expr, -1) {
			for label := range strings.FieldsFuncSeq(g[1], func(r rune) bool { return r == ',' || r == ' ' }) {
				if _, ok := known[label]; !ok {
					t.Errorf("%s: no metric there has the label %s", q.where, label)
				}
			}
		}
		for _, l := range legend.FindAllStringSubmatch(q.about, -1) {
			if _, ok := known[l[1]]; !ok {
				t.Errorf("%s: no metric there has the label %s, which its text names", q.where, l[1])
			}
		}
	}
	for _, name := range metricName.FindAllString(read(t, "rules.yml"), -1) {
		if there[name] == nil && there[name+"_count"] == nil {
			t.Errorf("rules.yml: there is no metric %s", name)
		}
	}
}

// checkMatcher checks one label="value" of a selector.
func checkMatcher(t *testing.T, where, metric string, has labels, match []string, doc string) {
	t.Helper()
	label, value := match[1], match[3]
	seen, ok := has[label]
	if !ok {
		t.Errorf("%s: %s has no label %s", where, metric, label)
		return
	}
	if strings.HasPrefix(value, "$") {
		return // a variable of the dashboard
	}
	for v := range strings.SplitSeq(value, "|") {
		if !slices.Contains(seen, v) && !strings.Contains(doc, "`"+v+"`") {
			t.Errorf("%s: %s has never %s=%q", where, metric, label, v)
		}
	}
}

func TestDashboardIsWhole(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	variables := []string{"$datasource", "$__rate_interval"}
	for _, v := range d.Templating.List {
		variables = append(variables, "$"+v.Name)
	}
	ids := make(map[int]bool)
	taken := make(map[[2]int]string)
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d, %q: its id is taken, or it has no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X < 0 || g.W < 1 || g.X+g.W > 24 || g.H < 1 {
			t.Errorf("%s: does not fit the grid: %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: it lacks a unit, queries or the data source", p.Title)
		}
		for _, target := range p.Targets {
			for _, v := range regexp.MustCompile(`\$\w+`).FindAllString(target.Expr, -1) {
				if !slices.Contains(variables, v) {
					t.Errorf("%s: there is no variable %s", p.Title, v)
				}
			}
		}
	}
}

func TestEachAlertHasATest(t *testing.T) {
	t.Parallel()
	tests := read(t, "rules_test.yml")
	for _, m := range regexp.MustCompile(`- alert: (\w+)\n`).FindAllStringSubmatch(read(t, "rules.yml"), -1) {
		if !strings.Contains(tests, "alertname: "+m[1]+"\n") {
			t.Errorf("rules_test.yml has no test of %s", m[1])
		}
	}
}
