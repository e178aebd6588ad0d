package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing them")

// goldens calls check for each file that pattern finds; there must be some.
func goldens(t *testing.T, pattern string, check func(t *testing.T, file string, src []byte)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			check(t, file, src)
		})
	}
}

// compare compares got with a golden file, or writes that with -update.
func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("differs from %s (go test -update writes it)\n got:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestValidFiles(t *testing.T) {
	check := func(t *testing.T, file string, src []byte) {
		c, err := config.Parse(src, catalog())
		if err != nil {
			t.Fatal(err)
		}
		effective := c.Effective()
		compare(t, strings.TrimSuffix(file, ".json")+".effective", effective)
		again, err := config.Parse(effective, catalog())
		if err != nil {
			t.Fatalf("the effective config is not valid: %v", err)
		}
		if !reflect.DeepEqual(c, again) {
			t.Errorf("the effective config means something else:\n%s", again.Effective())
		}
	}
	goldens(t, "testdata/valid/*.json", check)
}

func TestShippedExample(t *testing.T) {
	src, err := os.ReadFile("../config.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Parse(src, catalog()); err != nil {
		t.Fatalf("config.json: %v", err)
	}
}

func TestInvalidFiles(t *testing.T) {
	check := func(t *testing.T, file string, src []byte) {
		c, err := config.Parse(src, catalog())
		var problems config.Problems
		if !errors.As(err, &problems) || c != nil {
			t.Fatalf("got config %v and error %v, want problems only", c, err)
		}
		compare(t, strings.TrimSuffix(file, ".json")+".txt", []byte(problems.Format("config.json")+"\n"))
	}
	goldens(t, "testdata/invalid/*.json", check)
}
