package config

import "testing"

// TestFollow reads paths as option problems write them, and writes them again.
func TestFollow(t *testing.T) {
	base := path{}.key("middlewares").key("a b")
	for text, want := range map[string]string{
		"":                   `middlewares["a b"]`,
		"to":                 `middlewares["a b"].to`,
		`set["X-A"]`:         `middlewares["a b"].set.X-A`,
		`set["a.b]"].x`:      `middlewares["a b"].set["a.b]"].x`,
		"rules[10].name":     `middlewares["a b"].rules[10].name`,
		"[3][4]":             `middlewares["a b"][3][4]`,
		`set["X-A`:           `middlewares["a b"]["set[\"X-A"]`,
		"rules[x]":           `middlewares["a b"]["rules[x]"]`,
		"rules[":             `middlewares["a b"]["rules["]`,
		`["\u00fc"].a["\""]`: `middlewares["a b"]["ü"].a["\""]`,
	} {
		if got := base.follow(text).String(); got != want {
			t.Errorf("%q leads to %s, want %s", text, got, want)
		}
	}
}
