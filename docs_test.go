package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
)

var update = flag.Bool("update", false, "write the generated documents anew")

// TestGeneratedDocuments keeps the reference and the schema those of the structs.
func TestGeneratedDocuments(t *testing.T) {
	for file, want := range map[string][]byte{
		"docs/CONFIG.md":     config.Reference(proxy.Catalog()),
		"config.schema.json": config.Schema(proxy.Catalog()),
	} {
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the structs say; run go test . -update (%v)", file, err)
		}
	}
}

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// TestExamplesLoad compiles the shipped config and every config in the README.
func TestExamplesLoad(t *testing.T) {
	examples := map[string][]byte{"config.json": exampleConfig}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range jsonBlock.FindAllSubmatch(readme, -1) {
		examples["README.md: "+string(m[1][:20])] = m[1]
	}
	if len(examples) < 2 {
		t.Fatal("README.md has no example")
	}
	for name, src := range examples {
		t.Run(name, func(t *testing.T) {
			file := t.TempDir() + "/config.json"
			if err := os.WriteFile(file, src, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := checkConfig(file); err != nil {
				t.Fatal(err)
			}
		})
	}
}
