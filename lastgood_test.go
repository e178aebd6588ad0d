package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteGood(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	for _, c := range []struct {
		content string
		mode    os.FileMode
	}{{"one", 0o600}, {"two", 0o644}, {"two", 0o644}, {"", 0o640}} {
		if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if err := writeGood(path, []byte(c.content)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path + goodSuffix)
		if err != nil || string(got) != c.content {
			t.Errorf("copied %q, %v, want %q", got, err, c.content)
		}
		if info, err := os.Stat(path + goodSuffix); err != nil || info.Mode() != c.mode {
			t.Errorf("mode of the copy of %q: %v, %v", c.content, info.Mode(), err)
		}
	}
	wantsFiles(t, dir, "config.json", "config.json.good")
}

// TestWriteGoodWithoutTheFile: the config vanished after it was read. The copy is
// for us alone then.
func TestWriteGoodWithoutTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	if err := writeGood(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + goodSuffix); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestWriteGoodFails has a folder stand where the copy should.
func TestWriteGoodFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if err := os.Mkdir(path+goodSuffix, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeGood(path, []byte("one")); err == nil {
		t.Error("no error")
	}
	wantsFiles(t, dir, "config.json.good")
	if err := writeGood(filepath.Join(dir, "none", "config.json"), nil); err == nil {
		t.Error("no error without the folder")
	}
}

func wantsFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name())
	}
	if len(got) != len(names) {
		t.Fatalf("files %q, want %q", got, names)
	}
	for i := range names {
		if got[i] != names[i] {
			t.Errorf("files %q, want %q", got, names)
		}
	}
}
