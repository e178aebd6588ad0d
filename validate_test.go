package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sluice runs a command in this process.
func sluice(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = dispatch(args, &o, &e)
	return code, o.String(), e.String()
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

const summed = `{
  "listeners": [ { "address": "127.0.0.1:0" }, { "address": "unix:/run/x.sock" } ],
  "admin": { "address": "127.0.0.1:1" },
  "log": { "access": { "path": "off", "sinks": [ { "type": "nsq", "addresses": ["127.0.0.1:2"], "topic": "t" } ] } },
  "upstreams": {
    "api": {
      "balance": "consistent_hash", "hash": { "key": "client_ip" },
      "targets": [ { "address": "127.0.0.1:3", "weight": 5 }, { "address": "127.0.0.1:4", "backup": true } ],
      "health": { "active": { "path": "/healthz" }, "passive": {} }, "concurrency": { "max": 7, "target_max": 3 }
    }
  },
  "middlewares": { "ids": { "type": "request_id" } },
  "routes": [
    { "name": "rest", "path": "/*", "respond": { "status": 404 } },
    { "name": "api", "hosts": ["b.example", "*.a.example"], "path": "/v1/*", "methods": ["GET", "POST"], "headers": { "X-A": "1" },
      "middlewares": ["ids"], "upstream": "api" }
  ],
  "tests": [ { "request": { "url": "http://b.example/" }, "expect": { "route": "rest" } } ]
}`

func TestValidateSumsUp(t *testing.T) {
	file := writeConfig(t, summed)
	headline := file + ": ok: 2 listeners, 1 upstreams, 1 middlewares, 2 routes, 1 tests passed\n"
	code, out, errs := sluice("validate", "-config", file)
	if code != exitOK || errs != "" || !strings.HasPrefix(out, headline+"\n") {
		t.Fatalf("exit code %d, %s\n%s", code, errs, out)
	}
	for _, line := range []string{
		"listeners:   127.0.0.1:0, unix:/run/x.sock\n", "admin:       127.0.0.1:1\n", "access log:  nsq:127.0.0.1:2/t\n",
		"\nmetrics:     at most ",
		"  api   b.example *.a.example  /v1/*  GET POST, header X-A=1  -> ids -> upstream api\n" +
			"  rest  *                      /*     -                       -> answer 404\n",
		"  api: consistent_hash of client_ip\n    targets: 127.0.0.1:3 (weight 5), 127.0.0.1:4 (backup)\n",
		"    health:  GET /healthz every 2s; out for 10s after 5 failures\n", "    limit:   7 requests, 3 requests a target\n",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	if strings.Contains(out, "warnings") {
		t.Errorf("warnings:\n%s", out)
	}
	if code, out, errs := sluice("validate", "-quiet", "-config", file); code != exitOK || out != headline || errs != "" {
		t.Errorf("quiet: exit code %d, %q, %q", code, out, errs)
	}
	if code, _, errs := sluice("validate", "-strict", "-config", file); code != exitOK {
		t.Errorf("strict: exit code %d, %s", code, errs)
	}
}

func TestValidateWarns(t *testing.T) {
	text := strings.Replace(summed, `"path": "/v1/*"`, `"path": "/v1;x"`, 1)
	text = strings.Replace(text, `"rest", "path": "/*"`, `"rest", "path": "/v1"`, 1)
	text = strings.Replace(text, `"middlewares": ["ids"],`, "", 1)
	text = strings.Replace(text, `"http://b.example/"`, `"http://b.example/v1"`, 1)
	file := writeConfig(t, text)
	code, out, _ := sluice("validate", "-config", file)
	for _, line := range []string{
		file + ":12:27: middlewares.ids: no route uses it\n",
		file + `:15:5: routes[1]: route "api" does not get even the request made for it: `,
	} {
		if code != exitOK || !strings.Contains(out, line) {
			t.Errorf("exit code %d, no %q in\n%s", code, line, out)
		}
	}
	if code, _, _ := sluice("validate", "-strict", "-config", file); code != exitFail {
		t.Errorf("strict: exit code %d", code)
	}
}

func TestValidateJSON(t *testing.T) {
	read := func(file string, wantCode int) *summary {
		code, out, errs := sluice("validate", "-json", "-config", file)
		s := new(summary)
		if err := json.Unmarshal([]byte(out), s); err != nil || code != wantCode || errs != "" || s.OK != (code == 0) {
			t.Fatalf("exit code %d, %v, %s%s", code, err, out, errs)
		}
		return s
	}
	s := read(writeConfig(t, summed), exitOK)
	if len(s.Routes) != 2 || s.Routes[0].Name != "api" || s.Series.Total < 100 || s.Upstreams[0].Targets[0].Weight != 5 || s.Tests != 1 {
		t.Errorf("summary %+v", s)
	}
	s = read(writeConfig(t, strings.Replace(summed, `"topic"`, `"topik"`, 1)), exitFail)
	if len(s.Problems) == 0 || s.Problems[0].Line != 4 {
		t.Errorf("problems %v", s.Problems)
	}
	s = read(filepath.Join(t.TempDir(), "none.json"), exitFail)
	if len(s.Problems) != 1 || !strings.Contains(s.Problems[0].Message, "cannot read the config") {
		t.Errorf("problems %v", s.Problems)
	}
}

// TestValidateManyRoutes: text stays readable, JSON whole, and many series are
// warned of.
func TestValidateManyRoutes(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, `{ "name": "r%d", "path": "/%d", "respond": { "status": 200 } },`, i, i)
	}
	file := writeConfig(t, `{ "listeners": [ { "address": ":0" } ], "routes": [`+b.String()+`] }`)
	code, out, _ := sluice("validate", "-config", file)
	if code != exitOK || strings.Count(out, "\n") > 250 || !strings.Contains(out, "  and 2800 more; -json has all\n") {
		t.Errorf("exit code %d, %d lines", code, strings.Count(out, "\n"))
	}
	if !strings.Contains(out, "routes: /metrics can come to have 15") {
		t.Errorf("no warning of series in\n%s", out[len(out)-300:])
	}
}
