package config_test

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

func withToken(t *testing.T, token string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(`{ "listeners": [{ "address": ":80" }], `+
		`"admin": { "address": ":9901", "token": "`+token+`" }, "routes": [{ "name": "a", "path": "/", "respond": {} }] }`), catalog())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSecretsAreNotShown: that one differs is told, and nothing of what it is.
func TestSecretsAreNotShown(t *testing.T) {
	a, b := withToken(t, "correct-horse-battery"), withToken(t, "incorrect-horse-battery")
	if shown := string(a.Shown()); strings.Contains(shown, "horse") || !strings.Contains(shown, `"token": "(hidden)"`) {
		t.Errorf("shown is %s", shown)
	}
	got := config.Differences(*a, *b)
	if len(got) != 1 || got[0] != (config.Difference{Path: "admin.token", Old: `"(hidden)"`, New: `"(hidden)"`}) {
		t.Errorf("differences %v", got)
	}
	none := *a
	none.Admin.Token = ""
	if got := config.Differences(none, *a); len(got) != 1 || got[0].Old != "" || got[0].New != `"(hidden)"` {
		t.Errorf("differences %v", got)
	}
	if got := config.Differences(*a, *withToken(t, "correct-horse-battery")); len(got) != 0 {
		t.Errorf("differences %v", got)
	}
}
