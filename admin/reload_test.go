package admin_test

import (
	"os"
	"strings"
	"testing"
)

const applied = `{
  "generation": 1,
  "in_force": {
    "at": "***",
    "cause": "start",
    "result": "applied",
    "took_ms": 0,
    "sum": "***"
  },
`

func TestReloadStatus(t *testing.T) {
	d := open(t, conf)
	d.do("GET", "/reload", "").is(t, 200, applied+strings.Replace(strings.TrimPrefix(applied, "{\n  \"generation\": 1,\n"), "in_force", "last", 1)+`  "counts": {
    "applied": 0,
    "unchanged": 0,
    "refused": 0,
    "unreadable": 0,
    "reverted": 0
  }
}
`)
}

func TestReload(t *testing.T) {
	d := open(t, conf)
	d.do("POST", "/reload", "").is(t, 200, `{
  "generation": 1,
  "at": "***",
  "cause": "request",
  "result": "unchanged",
  "took_ms": ***,
  "sum": "***"
}
`)
	good, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	d.write(strings.Replace(string(good), `"upstream": "cache"`, `"upstream": "cash"`, 1))
	const refused = `    "at": "***",
    "cause": "request",
    "result": "refused",
    "took_ms": ***,
    "sum": "***",
    "error": "14:49: routes[3].upstream: unknown upstream \"cash\"; have \"api\", \"cache\"",
    "problems": [
      {
        "line": 14,
        "column": 49,
        "path": "routes[3].upstream",
        "message": "unknown upstream \"cash\"; have \"api\", \"cache\""
      }
    ]
`
	d.do("POST", "/reload", "").is(t, 422, "{\n  \"generation\": 1,\n"+strings.ReplaceAll(refused, "\n  ", "\n")[2:]+"}\n")
	if a := d.do("GET", "/reload", ""); !strings.Contains(a.body, `"result": "refused"`) || !strings.Contains(a.body, `"line": 14`) {
		t.Errorf("status after a refusal: %s", a.body)
	}
	d.write(string(good) + "\n")
	if a := d.do("POST", "/reload", ""); a.status != 200 || !strings.Contains(a.body, `"applied"`) || !strings.Contains(a.body, `"generation": 2`) {
		t.Errorf("applied: %d %s", a.status, a.body)
	}
	if err := os.Remove(d.file); err != nil {
		t.Fatal(err)
	}
	if a := d.do("POST", "/reload", ""); a.status != 503 || !strings.Contains(a.body, `"unreadable"`) {
		t.Errorf("unreadable: %d %s", a.status, a.body)
	}
}
