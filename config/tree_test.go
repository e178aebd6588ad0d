package config

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// FuzzTree holds parseTree to hujson: what is a document, and what it says.
func FuzzTree(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no files:", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, src := range []string{
		"", " ", "1", "-", "-0", "01", "1e5", "1.", "+1", "tru", "nullx", `"`, `"\"`, `"\x"`, `"\u12"`, `"\u00e4\ud800"`, "\"\t\"", `"a"b`,
		"{", "}", "[", "]", "{}", "[]", "[,]", "{,}", "[1,]", "[1,,]", "[1 2]", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`, `{"a" 1}`,
		"//", "1//", "1//x\n", "/", "1/", "1/*", "1/**/", "1/*/", "/**/1", "1//\u2028\n", "1//\u2028", "1/*\u2029*/", `{/*a*/"a"/*b*/:/*c*/1/*d*/,/*e*/}`, "[1/*a*/]", "1 /", "{\"a\" /x/: 1}",
		"\v1", "1\x00", "[\"]", "[{]}", "tRue", "nul", "truefalse",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(sameTree)
}

func sameTree(t *testing.T, src []byte) {
	if deep, _ := brackets(src); deep >= 0 || !utf8.Valid(src) {
		return // refused before
	}
	tree, ok := parseTree(src)
	want, err := hujson.Parse(append(bytes.Clone(src), '\n'))
	if ok != (err == nil) {
		t.Fatalf("%q: a document %v, hujson: %v", src, ok, err)
	}
	if !ok {
		return
	}
	sameValue(t, tree.root(), &want)
}

func sameValue(t *testing.T, got value, want *hujson.Value) {
	t.Helper()
	if got.start() != want.StartOffset || int(got.node().end) != want.EndOffset || got.kind() != kind(want.Value.Kind()) {
		t.Fatalf("a %q from %d to %d, want %q from %d to %d", got.kind(), got.start(), got.node().end, want.Value.Kind(), want.StartOffset, want.EndOffset)
	}
	switch want := want.Value.(type) {
	case *hujson.Object:
		i := 0
		for key, member := range got.members() {
			sameValue(t, key, &want.Members[i].Name)
			sameValue(t, member, &want.Members[i].Value)
			i++
		}
		if i != len(want.Members) {
			t.Fatalf("%d members, want %d", i, len(want.Members))
		}
	case *hujson.Array:
		if got.count() != len(want.Elements) {
			t.Fatalf("%d elements, want %d", got.count(), len(want.Elements))
		}
		for i, element := range got.elements() {
			sameValue(t, element, &want.Elements[i])
		}
	case hujson.Literal:
		var text string
		if want.Kind() == '"' && json.Unmarshal(want, &text) == nil && got.text() != text {
			t.Fatalf("the text is %q, want %q", got.text(), text)
		}
	}
}

// TestDamagedTrees changes a good file at places chosen at random.
func TestDamagedTrees(t *testing.T) {
	src, err := os.ReadFile("testdata/valid/full.json")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		damaged := bytes.Clone(src)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] = "{}[]\",:/*\\ \n0a-\x00\xff"[random.IntN(17)]
		}
		sameTree(t, damaged)
	}
}
