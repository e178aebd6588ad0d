package proxy_test

import (
	"fmt"
	"testing"

	"github.com/sluiceproxy/sluice/proxy"
)

func ratings(e *proxy.Explanation) string {
	text := e.Forward.Rating
	for _, t := range e.Forward.Targets {
		if t.Rating == nil {
			text += " -"
			continue
		}
		text += fmt.Sprintf(" %.3g", *t.Rating)
	}
	return text
}

// TestExplainRatesTargets tells for each policy what it goes by.
func TestExplainRatesTargets(t *testing.T) {
	for balance, want := range map[string][2]string{
		`"weighted"`:      {"chance 0.833 0.167 - -", "chance - - 1 -"},
		`"random"`:        {"chance 0.833 0.167 - -", "chance - - 1 -"},
		`"round_robin"`:   {"chance 0.5 0.5 - -", "chance - - 1 -"},
		`"least_request"`: {"load 0.3 0.5 - -", "load - - 0.5 -"},
		`"ewma"`:          {"cost 0 0 - -", "cost - - 0 -"},
		`"consistent_hash", "hash": { "key": "query:k" }`: {"turn 1 2 3 -", "turn - - 1 -"},
	} {
		g := generationOf(t, `{ LISTEN, "upstreams": { "u": { "balance": `+balance+`, "targets": [
			{ "address": "127.0.0.1:1", "weight": 5 }, { "address": "127.0.0.1:2" },
			{ "address": "127.0.0.1:3", "backup": true }, { "address": "127.0.0.1:4", "weight": 0 } ] } },
			"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`)
		targets := g.Pools()["u"].Targets
		targets[0].Node.Start()
		all := ratings(explain(t, g, proxy.Query{URL: "http://h/?k=b"}))
		targets[0].Node.SetUsable(false)
		targets[1].Node.SetUsable(false)
		backup := ratings(explain(t, g, proxy.Query{URL: "http://h/?k=b"}))
		if got := [2]string{all, backup}; got != want {
			t.Errorf("%s: %q, want %q", balance, got, want)
		}
	}
}
