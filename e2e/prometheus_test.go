package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tool returns a program of Debian's package prometheus, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed; it is in Debian's package prometheus", name)
	}
	return path
}

// promtool runs it in the folder deploy.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := exec.Command(tool(t, "promtool"), args...)
	cmd.Dir, cmd.Stdin = "../deploy", strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolOnAScrape(t *testing.T) {
	t.Parallel()
	tool(t, "promtool")
	promtool(t, observe(t).text, "check", "metrics")
}

func TestPromtoolOnAlerts(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "rules", "rules.yml")
	promtool(t, "", "test", "rules", "rules_test.yml")
}

// prometheus runs the real one on what is observed, and returns how to ask it for
// the values of an expression.
func prometheus(t *testing.T, o *observed, args ...string) (ask func(expr string) []float64) {
	t.Helper()
	program := tool(t, "prometheus")
	rules, err := filepath.Abs("../deploy/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir, address := t.TempDir(), reserve(t)
	conf := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [ %q ]\n"+
		"scrape_configs: [ { job_name: sluice, static_configs: [ { targets: [ %q ] } ] } ]\n", rules, o.admin)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, program, append([]string{"--config.file=" + conf, "--storage.tsdb.path=" + dir, "--web.listen-address=" + address}, args...)...)
	p.log.after(t, 0, "Server is ready")
	c := client(t)
	return func(expr string) []float64 {
		t.Helper()
		a := get(t, c, "http://"+address+"/api/v1/query?query="+url.QueryEscape(expr))
		var answer struct {
			Status, Error string
			Data          struct {
				Result []struct{ Value [2]any }
			}
		}
		if err := json.Unmarshal([]byte(a.body), &answer); err != nil || answer.Status != "success" {
			t.Fatalf("%s: %v %s", expr, err, a.body)
		}
		values := []float64{}
		for _, r := range answer.Data.Result {
			var v float64
			if _, err := fmt.Sscan(fmt.Sprint(r.Value[1]), &v); err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
		}
		return values
	}
}

// await asks until there is something.
func await(t *testing.T, ask func(string) []float64, expr string) []float64 {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if values := ask(expr); len(values) > 0 {
			return values
		}
		if time.Now().After(end) {
			t.Errorf("nothing comes of %s", expr)
			return nil
		}
	}
}

// TestDashboardInPrometheus asks the real Prometheus everything that the dashboard
// and the alerts ask, and wants an answer.
func TestDashboardInPrometheus(t *testing.T) {
	t.Parallel()
	ask := prometheus(t, observe(t))
	fill := strings.NewReplacer("$__rate_interval", "1m", "$job", ".*", "$instance", ".*", "$route", ".*", "$upstream", ".*",
		" < 1e15", "") // there need not be a limit of memory
	alerts := read(t, "rules.yml")
	for _, q := range queries(t) {
		if strings.Contains(alerts, "- alert: "+q.where+"\n") {
			ask(q.expr) // whether it can be asked
			continue
		}
		await(t, ask, fill.Replace(q.expr))
	}
	// What is wrong here is alerted of.
	await(t, ask, `ALERTS{alertname="SluiceTargetDown",upstream="api"}`)
}

// TestNativeHistogramsInPrometheus has the real Prometheus ask for them.
func TestNativeHistogramsInPrometheus(t *testing.T) {
	t.Parallel()
	o := observe(t)
	ask := prometheus(t, o, "--enable-feature=native-histograms")
	await(t, ask, `histogram_count(sluice_request_duration_seconds{route="api"})`)
	c := client(t)
	for range 50 {
		get(t, c, "http://"+o.addr+"/api/x").wants(t, 200, "well")
	}
	await(t, ask, `histogram_count(sluice_request_duration_seconds{route="api"}) >= 50`)
	p99 := await(t, ask, `histogram_quantile(0.99, sluice_request_duration_seconds{route="api"})`)
	mean := await(t, ask, `histogram_sum(sluice_request_duration_seconds{route="api"}) / histogram_count(sluice_request_duration_seconds{route="api"})`)
	if len(p99) != 1 || len(mean) != 1 || !(p99[0] > 0) || !(mean[0] > 0) || p99[0] < mean[0]/2 {
		t.Errorf("p99 %v, mean %v", p99, mean)
	}
}
