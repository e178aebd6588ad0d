package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestOwnTests has a config's own tests guard it: at the start, over an edit and
// for validate.
func TestOwnTests(t *testing.T) {
	t.Parallel()
	section := func(path, expect string) string {
		return fmt.Sprintf(`"routes": [{"name": "page", "path": %q, "respond": {"body": "page at %[1]s"}}],
"tests": [{"request": {"url": "http://example.com/page"}, "expect": {%s}}]`, path, expect)
	}
	good := section("/page", `"route": "page", "status": 200`)
	p := serve(t, good)
	c := client(t)
	line := p.edit(listening(p.addr, section("/pages", `"route": "page"`)), refused)
	want := `config.json:3:79: tests[0].expect.route: expected route \"page\", got 404 no route (page: path \"/page\" does not match /pages)`
	if !strings.Contains(line, want) {
		t.Errorf("the log tells\n%s\nwant\n%s", line, want)
	}
	get(t, c, "http://"+p.addr+"/page").wants(t, 200, "page at /page")
	p.edit(listening(p.addr, section("/:any", `"status": 200`)), inForce)
	get(t, c, "http://"+p.addr+"/page").wants(t, 200, "page at /:any")

	if code, out, errs := command(t, "validate", "-config", p.file); code != 0 || !strings.Contains(out, "1 tests passed") {
		t.Errorf("validate: exit code %d, %s%s", code, out, errs)
	}
	failing := write(t, listening(reserve(t), section("/page", `"status": 404`)))
	for _, name := range []string{"validate", "run"} {
		code, _, errs := command(t, name, "-config", failing)
		if code != 1 || !strings.Contains(errs, "tests[0].expect.status: expected status 404, got an answer of Sluice's own with status 200") {
			t.Errorf("%s of a config whose test fails: exit code %d, %s", name, code, errs)
		}
	}
	// What a failing test is about can still be asked.
	if code, out, errs := command(t, "explain", "-config", failing, "GET", "http://example.com/page"); code != 0 || !strings.Contains(out, "page") {
		t.Errorf("explain: exit code %d, %s%s", code, out, errs)
	}
}
