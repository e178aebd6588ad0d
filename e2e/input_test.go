package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// badConfigs are what may be wrong with a file, and a word of what is told.
var badConfigs = []struct{ name, text, word string }{
	{"empty", "", "empty"},
	{"not JSON", "listen 80;\n", ""},
	{"cut off", `{"listeners": [{"address": "127.0.0.1:1"}`, ""},
	{"a list", "[]", "object"},
	{"nothing required", "{}", "listeners: missing"},
	{"trailing bytes", minimal() + "x", ""},
	{"unknown key", with(`"upstream": {},`), `did you mean "upstreams"`},
	{"duplicate key", with(`"log": {}, "log": {},`), "log"},
	{"wrong type", with(`"limits": {"headers": "many"},`), "limits.headers"},
	{"null", with(`"upstreams": null,`), "null"},
	{"bad duration", with(`"limits": {"idle_timeout": "fast"},`), "limits.idle_timeout"},
	{"bad size", with(`"limits": {"body_bytes": "-1"},`), "limits.body_bytes"},
	{"bad network", with(`"trusted_proxies": ["10.0.0.0/99"],`), "trusted_proxies[0]"},
	{"weight 0 everywhere", with(`"upstreams": {"u": {"targets": [{"address": "127.0.0.1:1", "weight": 0}]}},`), "weight"},
	{"negative weight", with(`"upstreams": {"u": {"targets": [{"address": "127.0.0.1:1", "weight": -1}]}},`), "weight"},
	{"no targets", with(`"upstreams": {"u": {"targets": []}},`), "targets"},
	{"target on port 0", with(`"upstreams": {"u": {"targets": [{"address": "127.0.0.1:0"}]}},`), "upstreams.u.targets[0].address"},
	{"port too high", with(`"upstreams": {"u": {"targets": [{"address": "127.0.0.1:65536"}]}},`), "upstreams.u.targets[0].address"},
	{"unknown policy", with(`"upstreams": {"u": {"balance": "weigthed", "targets": [{"address": "127.0.0.1:1"}]}},`), `did you mean "weighted"`},
	{"unknown middleware type", with(`"middlewares": {"m": {"type": "gzip"}},`), "middlewares.m.type"},
	{"health that finds nothing out", with(`"upstreams": {"u": {"health": {}, "targets": [{"address": "127.0.0.1:1"}]}},`), "neither active nor passive"},
	{"unknown upstream", routes(`{"name": "a", "path": "/", "upstream": "apis"}`), "unknown upstream"},
	{"unknown middleware", routes(`{"name": "a", "path": "/", "respond": {}, "middlewares": ["m"]}`), "unknown middleware"},
	{"bad regular expression", routes(`{"name": "a", "path": "/", "respond": {}, "headers": {"X": "~("}}`), "routes[0].headers.X"},
	{"bad path", routes(`{"name": "a", "path": "a", "respond": {}}`), "routes[0].path"},
	{"nothing answers", routes(`{"name": "a", "path": "/"}`), "routes[0]"},
	{"same name", routes(`{"name": "a", "path": "/1", "respond": {}}, {"name": "a", "path": "/2", "respond": {}}`), "routes[1].name"},
	{"tie", routes(`{"name": "a", "path": "/", "respond": {}}, {"name": "b", "path": "/", "respond": {}}`), "routes[1]"},
	{"same listener", `{"listeners": [{"address": "127.0.0.1:1"}, {"address": "127.0.0.1:1"}], ` + answerAll + `}`, "listeners[1].address"},
}

const answerAll = `"routes": [{"name": "all", "path": "/*", "respond": {}}]`

func minimal() string { return with("") }

// with is a good config but for the sections.
func with(sections string) string {
	return "{\n\"listeners\": [{\"address\": \"127.0.0.1:1\"}],\n" + sections + answerAll + "\n}\n"
}

func routes(list string) string {
	return "{\n\"listeners\": [{\"address\": \"127.0.0.1:1\"}],\n\"routes\": [" + list + "]\n}\n"
}

// place is what every problem begins with: the file, the line and the column.
var place = regexp.MustCompile(`(?m)^\S*config\.json:\d+:\d+: `)

func TestBadConfigs(t *testing.T) {
	t.Parallel()
	for _, c := range badConfigs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := write(t, c.text)
			for _, verb := range []string{"run", "validate"} {
				code, out, errs := command(t, verb, "-config", file)
				if code != 1 || out != "" || !place.MatchString(errs) || !strings.Contains(errs, c.word) {
					t.Errorf("%s: exit code %d, %q %q; want 1 and a place with %q", verb, code, out, errs, c.word)
				}
			}
		})
	}
}

func TestUnreadableConfigs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{"missing": filepath.Join(dir, "no.json"), "a folder": dir}
	if os.Getuid() != 0 { // root reads everything
		files["no permission"] = filepath.Join(dir, "secret.json")
		if err := os.WriteFile(files["no permission"], []byte(minimal()), 0); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range files {
		for _, verb := range []string{"run", "validate"} {
			code, _, errs := command(t, verb, "-config", file)
			if code != 1 || !strings.Contains(errs, "cannot read the config") || !strings.Contains(errs, file) {
				t.Errorf("%s %s: exit code %d, %q", verb, name, code, errs)
			}
		}
	}
}

// TestAllProblemsAtOnce also looks at where exactly they are.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	file := write(t, "{\n  \"listeners\": [{ \"address\": \"127.0.0.1:1\" }],\n"+
		"  // a comment, é\n  \"limits\": { \"headers\": 0, /* é */ \"colour\": 1 },\n"+
		"  \"routes\": [\n    { \"name\": \"a\", \"path\": \"/*\", \"upstream\": \"app\" },\n  ],\n}\n")
	code, _, errs := command(t, "validate", "-config", file)
	lines := strings.Split(errs, "\n")
	if code != 1 || len(lines) != 3 {
		t.Fatalf("exit code %d, %d lines, want 3:\n%s", code, len(lines), errs)
	}
	for i, want := range []string{":4:26: limits.headers: ", ":4:37: limits.colour: ", ":6:46: routes[0].upstream: "} {
		if !strings.HasPrefix(lines[i], file+want) {
			t.Errorf("problem %d is %q, want %s", i, lines[i], want)
		}
	}
}

func TestListenerInUseAtStart(t *testing.T) {
	t.Parallel()
	taken := listen(t, "tcp", "127.0.0.1:0").Addr().String()
	file := write(t, listeners(reserve(t), taken))
	code, _, errs := command(t, "-config", file)
	if code != 1 || !place.MatchString(errs) || !strings.Contains(errs, "listeners[1].address: cannot listen on "+taken) {
		t.Errorf("exit code %d, %q", code, errs)
	}
	if code, out, errs := command(t, "validate", "-config", file); code != 0 || !strings.Contains(out, "ok") {
		t.Errorf("validate opens nothing, but: exit code %d, %q", code, errs)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	good := write(t, with(""))
	for _, c := range []struct {
		args      string
		code      int
		out, errs string // words of what is printed
	}{
		{"version", 0, "sluice ", ""},
		{"-h", 0, "Usage", ""},
		{"--help", 0, "validate", ""},
		{"help", 0, "SIGHUP", ""},
		{"run -h", 0, "", "-config"},
		{"validate -h", 0, "", "Usage: sluice validate"},
		{"validate -config " + good, 0, "ok", ""},
		{"nonsense", 2, "", `unknown command "nonsense"`},
		{"run -nonsense", 2, "", "-nonsense"},
		{"validate extra", 2, "", "extra"},
		{"version extra", 2, "", "extra"},
	} {
		code, out, errs := command(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("sluice %s: exit code %d, %q %q; want %d, %q %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	file := write(t, `{"listeners": [{"address": "127.0.0.1:1"}],
"upstreams": {"api": {"targets": [{"address": "127.0.0.1:9"}]}},
"middlewares": {"v1": {"type": "strip_prefix", "prefix": "/v1"}},
"routes": [
  {"name": "versioned", "path": "/v1/*", "headers": {"X-Canary": "1"}, "middlewares": ["v1"], "upstream": "api"},
  {"name": "ping", "path": "/ping", "methods": ["GET"], "respond": {"body": "pong"}},
]}`)
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"GET", "http://app.test/v1/users?a=b", "-H", "X-Canary: 1"}, 0, []string{"versioned", "api", "/users?a=b"}},
		{[]string{"-H", "X-Canary: 1", "GET", "http://app.test/v1"}, 0, []string{"versioned", "api"}},
		{[]string{"GET", "http://app.test/ping"}, 0, []string{"ping", "200"}},
		{[]string{"GET", "http://app.test/v1/users"}, 1, []string{"404"}},
		{[]string{"POST", "http://app.test/ping"}, 1, []string{"405"}},
	} {
		code, out, errs := command(t, append([]string{"explain", "-config", file}, c.args...)...)
		if code != c.code || !hasAll(out, c.want) {
			t.Errorf("explain %q: exit code %d, %q %q, want %d, %q", c.args, code, out, errs, c.code, c.want)
		}
	}
	for _, args := range [][]string{{}, {"GET"}, {"GET", "http://a/", "more"}} {
		if code, _, errs := command(t, append([]string{"explain", "-config", file}, args...)...); code != 2 || errs == "" {
			t.Errorf("explain %q: exit code %d, %q", args, code, errs)
		}
	}
	bad := write(t, "{}")
	if code, _, errs := command(t, "explain", "-config", bad, "GET", "http://a/"); code != 1 || !place.MatchString(errs) {
		t.Errorf("explain of a bad config: exit code %d, %q", code, errs)
	}
}

// TestExplainTellsTheSame asks the command and the running process about the same
// requests, and then sends them: all three say the same.
func TestExplainTellsTheSame(t *testing.T) {
	t.Parallel()
	admin, addr := reserve(t), reserve(t)
	file := write(t, listening(addr, fmt.Sprintf(`"admin": {"address": %q},
"upstreams": {"api": {"balance": "consistent_hash", "hash": {"key": "header:X-User"}, "targets": [{"address": %q}, {"address": %q}]}},
"middlewares": {"v1": {"type": "strip_prefix", "prefix": "/v1"}},
"routes": [
  {"name": "canary", "hosts": ["app.test"], "path": "/v1/*", "headers": {"X-Canary": "1"}, "middlewares": ["v1"], "upstream": "api"},
  {"name": "ping", "path": "/ping", "methods": ["GET"], "respond": {"body": "pong"}},
  {"name": "rest", "hosts": ["app.test"], "path": "/*", "upstream": "api"}]`, admin, named(t, "one"), named(t, "two"))))
	serveFile(t, sluice, file)
	c := client(t)
	asked := []struct {
		method, url, field string
		status             int
		says, body         string // in what is explained, and answered
	}{
		{"GET", "http://app.test/v1/a?b=c", "X-Canary: 1", 200, "GET /a?b=c HTTP/1.1", ""},
		{"GET", "http://app.test/v1/a", "X-User: ada", 200, "GET /v1/a HTTP/1.1", ""},
		{"GET", "http://other.test/ping", "X-A: 1", 200, "ping", "pong"},
		{"POST", "http://other.test/ping", "X-A: 1", 405, "405", "405"}, {"GET", "http://other.test/", "X-A: 1", 404, "404", "404"},
	}
	// All of this before any is sent, since then latencies are told too.
	for _, r := range asked {
		_, printed, _ := command(t, "explain", "-config", file, r.method, r.url, "-H", r.field)
		query := url.Values{"method": {r.method}, "url": {r.url}, "header": {r.field}, "format": {"text"}}
		answered := get(t, c, "http://"+admin+"/explain?"+query.Encode()).body
		if printed != strings.TrimSuffix(answered, "\n") || !strings.Contains(printed, r.says) {
			t.Errorf("%s %s: the command prints\n%s\n/explain answers\n%s", r.method, r.url, printed, answered)
		}
	}
	for _, r := range asked {
		target, err := url.Parse(r.url)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(r.method, "http://"+addr+target.RequestURI(), nil)
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(r.field, ": ")
		req.Host = target.Host
		req.Header.Set(name, value)
		do(t, c, req).wants(t, r.status, r.body)
	}
}
