package main

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// here is where the faults are played.
var here base

func TestMain(m *testing.M) {
	if playRole() {
		return
	}
	os.Exit(enter("", func(b base) int {
		here = b
		flag.Parse()
		// Faults mostly wait, whatever the number of cores.
		_ = flag.Set("test.parallel", "4")
		return m.Run()
	}))
}

// TestPromises plays the faults of the short form. Only promises count, no times.
func TestPromises(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute")
	}
	r := newRunner(here, []string{sluice.name}, true)
	for _, f := range faults {
		if !f.short {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			if !f.alone {
				t.Parallel()
			}
			results, err := r.run(f)
			if err != nil {
				t.Fatal(err)
			}
			result := results[0]
			t.Log(result.tell())
			switch {
			case result.na != "":
				t.Skip(result.na)
			case len(result.broken) > 0:
				t.Error("a promise is broken")
			}
		})
	}
}

// TestDocument finds every fault in the document, which only a long run can make.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/RELIABILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !strings.Contains(string(text), "| ["+f.name+"](") || !strings.Contains(string(text), capital(f.what)) {
			t.Errorf("docs/RELIABILITY.md does not tell of %s as it is now; run faults with -write", f.name)
		}
	}
}
