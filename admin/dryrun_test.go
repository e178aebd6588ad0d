package admin_test

import (
	"os"
	"strings"
	"testing"
)

// settled opens a desk whose watcher has read the file for the first time, after
// which it reloads only what is asked for.
func settled(t *testing.T) *desk {
	t.Helper()
	d := open(t, conf)
	if a := d.do("POST", "/reload", ""); a.status != 200 || !strings.Contains(a.body, `"unchanged"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return d
}

func TestDryRun(t *testing.T) {
	d := settled(t)
	if a := d.do("POST", "/reload?dry=1", ""); a.status != 200 || !strings.Contains(a.body, `"result": "unchanged"`) {
		t.Errorf("the same file: %d %s", a.status, a.body)
	}
	good, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	d.write(strings.Replace(string(good), `"weight": 5`, `"weight": 3`, 1))
	a := d.do("POST", "/reload?dry=1", "")
	for _, part := range []string{
		`"generation": 1,`, `"result": "would_apply"`, `"note": "nothing was opened:`, `"name": "api"`, `"path": "weight"`,
		`"old": "5"`, `"new": "3"`, `"connections_kept": true`,
	} {
		if a.status != 200 || !strings.Contains(a.body, part) {
			t.Errorf("a new weight: %d %s\nwant %s", a.status, a.body, part)
		}
	}
	a = d.do("POST", "/reload?dry=1&format=text", "")
	if a.status != 200 || !strings.Contains(a.body, "upstreams    ~ api\n") || !strings.Contains(a.body, "weight: 5 -> 3\n") {
		t.Errorf("as text: %d %s", a.status, a.body)
	}
	d.write(strings.Replace(string(good), `"upstream": "cache"`, `"upstream": "cash"`, 1))
	a = d.do("POST", "/reload?dry=1", "")
	if a.status != 422 || !strings.Contains(a.body, `"result": "would_refuse"`) || !strings.Contains(a.body, `"path": "routes[3].upstream"`) {
		t.Errorf("a mistake: %d %s", a.status, a.body)
	}
	if err := os.Remove(d.file); err != nil {
		t.Fatal(err)
	}
	if a := d.do("POST", "/reload?dry=1", ""); a.status != 503 || !strings.Contains(a.body, `"result": "unreadable"`) {
		t.Errorf("no file: %d %s", a.status, a.body)
	}
	if n := d.proxy.Generation().Number; n != 1 {
		t.Errorf("generation %d is in force", n)
	}
}

// TestReloadParameters: one that is misspelt must not lead to a reload.
func TestReloadParameters(t *testing.T) {
	d := settled(t)
	good, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	d.write(string(good) + "\n")
	for query, want := range map[string]string{
		"dyr=1": `unknown parameter "dyr"`, "dry": `dry is 0 or 1, not ""`, "dry=yes": `dry is 0 or 1, not "yes"`,
		"dry=1&format=xml": `unknown format "xml"`, "format=text": "format=text is for dry=1 only",
	} {
		d.do("POST", "/reload?"+query, "").fails(t, 400, want)
	}
	if n := d.proxy.Generation().Number; n != 1 {
		t.Errorf("generation %d is in force", n)
	}
	if a := d.do("POST", "/reload?dry=0", ""); a.status != 200 || !strings.Contains(a.body, `"applied"`) {
		t.Errorf("dry=0: %d %s", a.status, a.body)
	}
}
