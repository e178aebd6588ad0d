package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDrainStaysOverReloads drains a target of the running process, and edits the
// file around it.
func TestDrainStaysOverReloads(t *testing.T) {
	t.Parallel()
	admin, one, two := reserve(t), named(t, "one"), named(t, "two")
	section := func(weight int) string {
		return fmt.Sprintf(`"admin": {"address": %q}, "routes": [{"name": "all", "path": "/*", "upstream": "u"}],
"upstreams": {"u": {"targets": [{"address": %q, "weight": %d}, {"address": %q}]}}`, admin, one, weight, two)
	}
	p := serve(t, section(5))
	c := client(t)
	req, err := http.NewRequest("POST", "http://"+admin+"/upstreams/u/targets/"+url.PathEscape(one)+"/drain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("draining: %v %v", resp, err)
	}
	_ = resp.Body.Close()
	p.log.after(t, 0, "target drained")
	for weight := 5; weight < 8; weight++ {
		if weight > 5 {
			p.edit(listening(p.addr, section(weight)), "config in force")
		}
		for range 20 {
			get(t, c, "http://"+p.addr+"/").wants(t, 200, "two")
		}
	}
}

// TestTokenFileThatCannotBeUsed: an edit with one is refused at its place.
func TestTokenFileThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	admin, file := reserve(t), filepath.Join(t.TempDir(), "token")
	section := func(more string) string {
		return fmt.Sprintf(`"admin": {"address": %q%s}, "routes": [{"name": "a", "path": "/", "respond": {"body": "a"}}]`, admin, more)
	}
	p := serve(t, section(""))
	bad := listening(p.addr, section(fmt.Sprintf(`, "token_file": %q`, file)))
	place := fmt.Sprintf("config.json:2:%d: admin.token_file: cannot read the token", strings.Index(strings.Split(bad, "\n")[1], `"`+file)+1)
	if line := p.edit(bad, refused); !strings.Contains(line, place) {
		t.Errorf("the log does not tell %q: %s", place, line)
	}
	if err := os.WriteFile(file, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.edit(bad+"\n", "config in force")
}
