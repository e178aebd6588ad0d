package main

import (
	"os"
	"strings"
	"testing"
)

// TestSluice runs every case against Sluice. A case with a reason to be done later
// is run too: that it holds by now is as wrong as that another one does not.
func TestSluice(t *testing.T) {
	for _, g := range groups() {
		t.Run(g.Title, func(t *testing.T) {
			for i := range g.Cases {
				c := &g.Cases[i]
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					err := judge(c, sluice{})
					switch {
					case c.Todo != "" && err != nil:
						t.Logf("to do: %s: %v", c.Todo, err)
					case c.Todo != "":
						t.Errorf("holds by now; take its Todo away: %s", c.Todo)
					case err != nil:
						t.Error(err)
					}
				})
			}
		})
	}
}

func TestNamesAreOneOfAKind(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range groups() {
		for _, c := range g.Cases {
			name := g.Title + ": " + c.Name
			if seen[name] || c.Name == "" || c.Ref == "" || len(c.Steps) == 0 {
				t.Errorf("%q is repeated or lacks something", name)
			}
			seen[name] = true
		}
	}
}

// TestDocumentHasEveryCase keeps docs/HTTP.md from telling of other cases than
// there are.
func TestDocumentHasEveryCase(t *testing.T) {
	text, err := os.ReadFile("../docs/HTTP.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, g := range groups() {
		for _, c := range g.Cases {
			var b strings.Builder
			row(&b, "", c.Name, c.Ref)
			if !strings.Contains(string(text), strings.TrimSuffix(b.String(), "\n")) {
				t.Errorf("docs/HTTP.md lacks %q; write it anew by go run ./conformance -write docs/HTTP.md", c.Name)
			}
			rows++
		}
	}
	t.Logf("%d cases", rows)
}
