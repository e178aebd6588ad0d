package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var (
	namedPlace     = regexp.MustCompile("`(GET|sluice) ([^` ]+)[^`]*`")
	namedMetric    = regexp.MustCompile("`((?:sluice|process|go)_[a-z_]+)`")
	linkWithin     = regexp.MustCompile(`\]\(#([^)]+)\)`)
	heading        = regexp.MustCompile(`(?m)^##+ (.*)$`)
	notAnchor      = regexp.MustCompile(`[^a-z0-9 -]`)
	printedCommand = regexp.MustCompile(`(?m)^    ((?:curl|jq|sluice (?:validate|diff|completion)) (?:.*\\\n)?.*)$`)
)

func operations(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEveryPlaceToLookIsThere goes through the manual's table of what to look at
// where: endpoints answer, commands exist, metrics are exposed, links lead somewhere.
func TestEveryPlaceToLookIsThere(t *testing.T) {
	t.Parallel()
	doc := operations(t)
	_, _, ports := startDemo(t)
	admin := ports["127.0.0.1:9901"]
	_, table, _ := strings.Cut(doc, "## You want to know …")
	table, _, _ = strings.Cut(table, "\n## ")
	if rows := strings.Count(table, "\n| "); rows < 25 {
		t.Fatalf("the table has %d rows", rows)
	}
	c := client(t)
	metrics := get(t, c, "http://"+admin+"/metrics").body
	for _, m := range namedPlace.FindAllStringSubmatch(table, -1) {
		switch m[1] {
		case "GET":
			if m[2] == "/explain" {
				m[2] += "?url=/ping&header=Host:%20a"
			}
			get(t, c, "http://"+admin+m[2]).wants(t, 200, "")
		default:
			if code, out, errs := command(t, "help", m[2]); code != 0 || len(out) < 40 {
				t.Errorf("sluice help %s: exit code %d, %s%s", m[2], code, out, errs)
			}
		}
	}
	for _, m := range namedMetric.FindAllStringSubmatch(table, -1) {
		// One that has nothing to tell yet is in the table of all of them.
		if !strings.Contains(metrics, "\n"+m[1]) && !strings.Contains(doc, "\n| `"+m[1]+"` |") {
			t.Errorf("there is no metric %s", m[1])
		}
	}
	headings := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(doc, -1) {
		headings[strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	for _, m := range linkWithin.FindAllStringSubmatch(doc, -1) {
		if !headings[m[1]] {
			t.Errorf("the manual has no #%s", m[1])
		}
	}
}

// TestPrintedCommandsWork runs the commands that the manual prints.
func TestPrintedCommandsWork(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"curl", "bash"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	_, text, ports := startDemo(t)
	dir := t.TempDir()
	// A folder with the files that the commands name.
	for name, text := range map[string]string{"edited.json": text, "config.json": text, "access.log": "{\"status\":500,\"weight\":1,\"duration_ms\":1}\n"} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, m := range printedCommand.FindAllStringSubmatch(operations(t), -1) {
		line := strings.NewReplacer("127.0.0.1:9901", ports["127.0.0.1:9901"], "127.0.0.1:9001", ports["127.0.0.1:9001"], "curl ", "curl -sSf ",
			"/etc/bash_completion.d/", dir+"/", "/usr/local/share/zsh/site-functions/", dir+"/", "~/.config/fish/completions/", dir+"/", "sluice validate", sluice+" validate",
			"sluice diff", sluice+" diff", "sluice completion", sluice+" completion").Replace(m[1])
		if _, err := exec.LookPath("jq"); err != nil && strings.HasPrefix(line, "jq ") {
			continue
		}
		cmd := exec.Command("bash", "-c", line)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s\n%v: %s", m[1], err, out)
		}
		ran++
	}
	if ran < 8 {
		t.Errorf("only %d commands are found", ran)
	}
}
