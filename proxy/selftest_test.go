package proxy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

const tested = `{ LISTEN,
	"limits": { "body_bytes": "1KiB" },
	"upstreams": { "app": { "targets": [ { "address": "127.0.0.1:1" } ] },
		"other": { "targets": [ { "address": "127.0.0.1:2" } ] } },
	"middlewares": { "v1": { "type": "strip_prefix", "prefix": "/v1" }, "away": { "type": "redirect", "status": 302, "to": "/new" } },
	"routes": [
		{ "name": "api", "hosts": ["a.example"], "path": "/v1/*", "methods": ["GET"], "middlewares": ["v1"], "upstream": "app" },
		{ "name": "canary", "hosts": ["a.example"], "path": "/v1/*", "headers": { "X-Canary": "1" }, "methods": ["GET"], "upstream": "other" },
		{ "name": "ping", "path": "/ping", "respond": { "status": 203 } },
		{ "name": "away", "path": "/old", "middlewares": ["away"] } ],
	"tests": [ %s ] }`

func test(request, expect string) string {
	return fmt.Sprintf(`{ "request": { %s }, "expect": { %s } }`, request, expect)
}

func TestOwnTestsPass(t *testing.T) {
	g := generationOf(t, fmt.Sprintf(tested, strings.Join([]string{
		test(`"url": "http://a.example/v1/x%2fy?q=1"`, `"route": "api", "upstream": "app", "path": "/x%2fy"`),
		test(`"url": "/v1/x?q=1", "headers": { "Host": "a.example" }`, `"path": "/x?q=1"`),
		test(`"url": "https://a.example/v1/x", "headers": { "X-Canary": "1" }`, `"route": "canary", "path": "/v1/x"`),
		test(`"url": "http://a.example/v1/x", "method": "POST"`, `"status": 405`),
		test(`"url": "http://b.example/v1/x"`, `"status": 404`),
		test(`"url": "http://b.example/ping"`, `"route": "ping", "status": 203`),
		test(`"url": "http://b.example/old"`, `"route": "away", "status": 302`),
		test(`"url": "http://b.example/ping", "headers": { "Content-Length": "2000" }`, `"status": 413`),
		test(`"url": "/ping", "headers": { "Host": "a b" }`, `"status": 400`),
	}, ",")))
	if err := g.RunTests(); err != nil {
		t.Error(err)
	}
}

func TestOwnTestsTellWhatDiffers(t *testing.T) {
	for _, c := range []struct{ request, expect, want string }{
		{`"url": "http://a.example/v1/x"`, `"route": "canary", "path": "/y"`,
			`tests[0].expect.route: expected route "canary", got "api" (canary: header X-Canary is missing)`},
		{`"url": "http://b.example/v1/x"`, `"route": "api"`,
			`tests[0].expect.route: expected route "api", got 404 no route (api: host "b.example" is not a.example)`},
		{`"url": "http://b.example/ping"`, `"status": 200`,
			`tests[0].expect.status: expected status 200, got an answer of Sluice's own with status 203`},
		{`"url": "http://a.example/v1/x"`, `"status": 200`,
			`tests[0].expect.status: expected status 200, got upstream "app"`},
		{`"url": "http://a.example/v1/x?q=1"`, `"upstream": "other", "path": "/x?q=2"`,
			"tests[0].expect.upstream: expected upstream \"other\", got upstream \"app\"\n" +
				`tests[0].expect.path: expected path "/x?q=2", got "/x?q=1"`},
		{`"url": "http://a.example/v1/x"`, `"path": "/v1/x"`,
			`tests[0].expect.path: expected path "/v1/x", got "/x"`},
		{`"url": "http://b.example/old"`, `"upstream": "app", "path": "/old"`,
			`tests[0].expect.upstream: expected upstream "app", got an answer of Sluice's own with status 302`},
		{`"url": "http://b.example/nowhere"`, `"path": "/nowhere"`,
			`tests[0].expect.path: expected path "/nowhere" to be sent, got 404 no route`},
	} {
		err := generationOf(t, fmt.Sprintf(tested, test(c.request, c.expect))).RunTests()
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s, %s:\n got %v\nwant %s", c.request, c.expect, err, c.want)
		}
	}
}

// TestFailedOwnTestsAreBounded has every test fail in a file with many.
func TestFailedOwnTestsAreBounded(t *testing.T) {
	src := fmt.Sprintf(tested, strings.Join(many(150, test(`"url": "http://b.example/ping"`, `"status": 200`)), ","))
	err := generationOf(t, src).RunTests()
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 101 || lines[100] != "tests: and 50 more tests failed" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
	placed := config.Place([]byte(strings.Replace(src, "LISTEN", `"listeners": []`, 1)), err)
	if !strings.Contains(placed.Error(), "tests[0].expect.status: expected") {
		t.Errorf("placed: %v", placed)
	}
}

func many(n int, s string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

// TestOwnTestsDoNotDependOnTargets: a target that cannot be used at the moment is
// no reason to refuse an edit.
func TestOwnTestsDoNotDependOnTargets(t *testing.T) {
	g := generationOf(t, fmt.Sprintf(tested, test(`"url": "http://a.example/v1/x"`, `"upstream": "app", "path": "/x"`)))
	g.Pools()["app"].Targets[0].Node.SetUsable(false)
	if err := g.RunTests(); err != nil {
		t.Error(err)
	}
}
