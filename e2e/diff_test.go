package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestDiffCommand(t *testing.T) {
	t.Parallel()
	section := func(targets string) string {
		return fmt.Sprintf(`"upstreams": {"app": {"targets": [%s]}},
"routes": [{"name": "all", "path": "/*", "upstream": "app"}]`, targets)
	}
	before := write(t, listening("127.0.0.1:1", section(`{"address": "127.0.0.1:2"}`)))
	after := write(t, listening("127.0.0.1:1", section(`{"address": "127.0.0.1:2"}, {"address": "127.0.0.1:3"}`)))
	code, out, errs := command(t, "diff", before, after)
	const want = "upstreams    ~ app\n                 + target 127.0.0.1:3\n                 connections of 1 target kept"
	if code != 0 || strings.TrimSpace(out) != want || errs != "" {
		t.Errorf("exit code %d\n%s%s\nwant\n%s", code, out, errs, want)
	}
	if code, out, _ := command(t, "diff", "-json", before, after); code != 0 || !strings.Contains(out, `"added": [`) {
		t.Errorf("as JSON: exit code %d, %s", code, out)
	}
	if code, out, _ := command(t, "diff", after, after); code != 0 || !strings.HasPrefix(out, "no change") {
		t.Errorf("the same file: exit code %d, %s", code, out)
	}
	broken := write(t, listening("127.0.0.1:1", section("")))
	for _, files := range [][]string{{before, broken}, {broken, after}} {
		code, _, errs := command(t, "diff", files[0], files[1])
		if code != 1 || !strings.Contains(errs, "upstreams.app.targets: the upstream has no target") {
			t.Errorf("a broken file: exit code %d, %s", code, errs)
		}
	}
	if code, _, _ := command(t, "diff", before); code != 2 {
		t.Errorf("one file: exit code %d", code)
	}
}

// TestDryRun asks what an edit would do that has not been noticed yet, or was
// refused, and then lets it be done.
func TestDryRun(t *testing.T) {
	t.Parallel()
	admin, more := reserve(t), reserve(t)
	section := func(body string) string {
		return fmt.Sprintf(`"admin": {"address": %q},
"routes": [{"name": "a", "path": "/", "respond": {"body": %q}}],
"tests": [{"request": {"url": "http://e/"}, "expect": {"status": 200}}]`, admin, body)
	}
	p := serve(t, section("one"))
	c := client(t)
	dry := func() answer {
		t.Helper()
		req, err := http.NewRequest("POST", "http://"+admin+"/reload?dry=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		return do(t, c, req)
	}
	dry().wants(t, 200, `"result": "unchanged"`)
	// Refused by its own test, and told alike by the dry run.
	p.edit(strings.Replace(listening(p.addr, section("two")), `"status": 200`, `"status": 201`, 1), refused)
	dry().wants(t, 422, `expected status 201`)
	line := p.edit(strings.Replace(listening(p.addr, section("two")), `"listeners": [`, fmt.Sprintf(`"listeners": [{"address": %q}, `, more), 1), inForce)
	if want := `"changed":"listeners: +` + more + `, routes: ~1"`; !strings.Contains(line, want) {
		t.Errorf("the log tells %s, want %s", line, want)
	}
	dry().wants(t, 200, `"result": "unchanged"`)
	get(t, c, "http://"+more+"/").wants(t, 200, "two")
	if err := os.Remove(p.file); err != nil {
		t.Fatal(err)
	}
	dry().wants(t, 503, `"result": "unreadable"`)
	get(t, c, "http://"+p.addr+"/").wants(t, 200, "two")
}
