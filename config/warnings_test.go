package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

const warned = `{
"listeners": [ { "address": ":0" } ],
"upstreams": {
  "u": { "targets": [ { "address": "127.0.0.1:1" } ] },
  UPSTREAM
},
"routes": [ { "name": "a", "path": "/*", "upstream": "u" } ROUTE ],
MORE
}`

func TestWarnings(t *testing.T) {
	const sample = `{"filter": {"sample": {"one_in": 10}}}`
	for _, c := range []struct{ upstream, more, want string }{
		{"", "", ""},
		{`"old": { "targets": [ { "address": "127.0.0.1:2" } ] }`, "", "5:10: upstreams.old: no route uses it"},
		{"", `"trusted_proxies": ["10.0.0.0/8", "0.0.0.0/0"]`, "8:35: trusted_proxies[1]: every client's"},
		{`"u2": { "targets": [ { "address": "127.0.0.1:2" } ], "retry": { "attempts": 1, "statuses": [503] } }`, "", "upstreams.u2.retry.statuses: they are not tried again"},
		{`"u2": { "targets": [ { "address": "127.0.0.1:2" } ], "concurrency": { "max": 8, "adaptive": {} } }`, "", "upstreams.u2.concurrency.adaptive: it never changes the limit: max of the upstream is 8"},
		{`"u2": { "targets": [ { "address": "127.0.0.1:2" } ], "concurrency": { "max": 9, "adaptive": {} }, "retry": { "statuses": [503] } }`, "", ""},
		{"", `"log": {"access": {"stages": [` + sample + `]}}`, "log.access.stages: nothing is logged"},
		{"", `"log": {"access": {"path": "stdout", "stages": [` + sample + `]}}`, ""},
		{"", `"log": {"access": {"path": "stdout", "stages": [{"filter": {"sample": {"one_in": 1}}}], "format": "common"}}`, ""},
		{"", `"log": {"access": {"path": "stdout", "format": "{status} {weight}", "stages": [` + sample + `]}}`, ""},
		{"", `"log": {"access": {"path": "stdout", "format": "{status}", "stages": [` + sample + `]}}`, "log.access.path: its lines are a sample"},
		{"", `"log": {"access": {"sinks": [{"type": "stdout"}, {"type": "stderr", "format": "combined"}], "stages": [` + sample + `]}}`,
			"log.access.sinks[1]: its lines are a sample"},
		{"", `"log": {"access": {"path": "stdout", "stages": [` + sample + `, {"map": {"drop": ["weight"]}}]}}`, "its lines are a sample"},
		{"", `"log": {"access": {"path": "stdout", "stages": [` + sample + `, {"map": {"keep": ["status"]}}]}}`, "its lines are a sample"},
		{"", `"log": {"access": {"path": "stdout", "stages": [{"map": {"keep": ["status"]}}, ` + sample + `]}}`, ""},
	} {
		src := strings.Replace(warned, "UPSTREAM", c.upstream, 1)
		route := ""
		if strings.Contains(c.upstream, `"u2"`) {
			route = `, { "name": "b", "path": "/b", "upstream": "u2" }`
		}
		src = strings.Replace(strings.Replace(src, "ROUTE", route, 1), "MORE", c.more, 1)
		cfg, err := config.Parse([]byte(src), config.Catalog{Policies: []string{"weighted"}})
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		var found config.Problems
		errors.As(config.Place([]byte(src), cfg.Warnings()), &found)
		if (len(found) > 0) != (c.want != "") || !strings.Contains(found.Error(), c.want) {
			t.Errorf("%s %s: warned %q, want %q", c.upstream, c.more, found, c.want)
		}
	}
}
