package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

// edited are the files that differences are looked for between, in which {} is
// the part that differs.
const edited = `{
  "listeners": [{ "address": ":80" }],
  "routes": [{ "name": "a", "path": "/", "middlewares": ["m"], "upstream": "u" }],
  "middlewares": { "m": %s },
  "upstreams": { "u": { "targets": [{ "address": "127.0.0.1:1" }] %s } },
  %s
}`

func TestDifferences(t *testing.T) {
	const id = `{ "type": "request_id" }`
	for _, c := range []struct {
		oldMiddleware, oldUpstream, oldTop string
		newMiddleware, newUpstream, newTop string
		want                               string
	}{
		{id, "", "", id, "", `"limits": { "headers": 128 }, "trusted_proxies": [], // the defaults`, ""},
		{id, "", `"limits": { "body_bytes": "1KiB" }`, id, "", "", `limits.body_bytes: "1KiB" -> "0"`},
		{id, "", "", id, "", `"trusted_proxies": ["10.0.0.0/8"], "log": { "level": "warn" }`,
			`log.level: "info" -> "warn"; trusted_proxies:  -> ["10.0.0.0/8"]`},
		{id, `, "timeouts": { "idle": "1s" }`, "", id, `, "balance": "ewma", "timeouts": { "idle": "1000ms" }`, "",
			`upstreams.u.balance: "weighted" -> "ewma"`},
		{id, "", "", id, `, "balance": "consistent_hash", "hash": { "key": "path" }`, "",
			`upstreams.u.balance: "weighted" -> "consistent_hash"; upstreams.u.hash:  -> {"key":"path","bounded_load":0}`},
		{id, "", "", `{ "type": "request_id", "header": "X-<A>" }`, "", "", `middlewares.m.header: "X-Request-Id" -> "X-<A>"`},
		{id, "", "", `{ "type": "strip_prefix", "prefix": "/v1" }`, "", "", `middlewares.m.type: "request_id" -> "strip_prefix"`},
		{`{ "type": "request_headers", "set": { "X-A": "1", "X-B": "1" } }`, "", "",
			`{ "type": "request_headers", "set": { "X-B": "2" }, "remove": ["C"] }`, "", "",
			`middlewares.m.set.X-A: "1" -> ; middlewares.m.set.X-B: "1" -> "2"; middlewares.m.remove:  -> ["C"]`},
		{id, "", `"tests": [{ "request": { "url": "http://e/" }, "expect": { "route": "a" } }]`, id, "",
			`"tests": [{ "request": { "url": "http://e/" }, "expect": { "upstream": "u" } }]`,
			`tests[0].expect.route: "a" -> ; tests[0].expect.upstream:  -> "u"`},
	} {
		before := parseWhole(t, fmt.Sprintf(edited, c.oldMiddleware, c.oldUpstream, c.oldTop))
		after := parseWhole(t, fmt.Sprintf(edited, c.newMiddleware, c.newUpstream, c.newTop))
		if got := told(config.Differences(before, after)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if got := told(config.Differences(after, after)); got != "" {
			t.Errorf("a config differs from itself: %s", got)
		}
	}
}

func parseWhole(t *testing.T, src string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(src), catalog())
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	return c
}

func told(all []config.Difference) string {
	var lines []string
	for _, d := range all {
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", d.Path, d.Old, d.New))
	}
	return strings.Join(lines, "; ")
}
