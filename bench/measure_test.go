package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTakeLog(t *testing.T) {
	p := &proxy{site: site{Log: filepath.Join(t.TempDir(), "access.log")}}
	if n, err := p.takeLog(); err == nil {
		t.Errorf("no log: got %d", n)
	}
	if err := os.WriteFile(p.site.Log, []byte("a\nb\nc"), 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := p.takeLog(); n != 2 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := p.takeLog(); err == nil {
		t.Errorf("emptied, and nothing written since: got %d", n)
	}
	if n, err := (&proxy{}).takeLog(); n != 0 || err != nil {
		t.Errorf("a proxy without: got %d, %v", n, err)
	}
}

func TestAsides(t *testing.T) {
	logged, late, reloaded := round(1, 0), round(1, 0), round(1, 0)
	logged.lines = 990
	late.late = 12345
	reloaded.reloads = append(reloaded.reloads, 5e6, 7e6, 9e6)
	r := results{
		{"log", "sluice"}: {logged}, {"log", "haproxy"}: {round(1, 0)},
		{"half", "nginx"}: {late}, {"reload100k", "sluice"}: {reloaded}, {"small", "sluice"}: {round(1, 0)},
	}
	for name, want := range map[string]string{
		"log": "sluice wrote 99.0 % of the lines", "half": "was 12µs late", "reload100k": "3 reloads of 7ms",
	} {
		if got := r.aside(caseNamed(name)); !strings.Contains(got, want) || strings.Contains(got, "haproxy wrote") {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := r.aside(caseNamed("small")); got != "" {
		t.Errorf("small: %q", got)
	}
}

// A reload finds another config each time, of the same length, in later rounds too.
func TestConfigHasATurn(t *testing.T) {
	s := site{Dir: t.TempDir(), Origins: []int{1}, Hosts: []string{"a"}, Paths: []string{"/b"}}
	text := config(t, "sluice.json", s)
	if got := strings.Count(text, turnRoute); got != 1 {
		t.Errorf("%s stands there %d times", turnRoute, got)
	}
	edited := []byte(text)
	for _, want := range []string{"000000", "000012"} {
		turn, err := turnIn(edited)
		if err != nil || string(turn) != want {
			t.Fatalf("the turn is %q, %v; want %s", turn, err, want)
		}
		copy(turn, "000012")
	}
	if string(edited) != strings.Replace(text, turnRoute, "/turn/000012", 1) {
		t.Errorf("more than the turn has changed: %s", edited)
	}
	if _, err := turnIn(nil); err == nil {
		t.Error("found one in nothing")
	}
}
