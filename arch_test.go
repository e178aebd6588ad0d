package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sluiceproxy/sluice"

// mayImport is the house: which of our packages each one may import. Imports go
// one way, from what decides to what it decides with; docs/ARCHITECTURE.md tells
// why each line is as it is.
var mayImport = map[string]string{
	// level 0: rules and state that know nothing of each other
	"config":    "",
	"router":    "",
	"lb":        "",
	"hotreload": "",
	"handover":  "",
	"wire":      "",
	"sock":      "",
	"demo":      "",
	"exchange":  "wire",
	// level 1: one side of the proxy each
	"telemetry":  "config exchange wire",
	"upstream":   "config lb wire exchange sock",
	"middleware": "config exchange wire",
	"server":     "config wire sock",
	// level 2: one request
	"proxy": "config router lb upstream middleware exchange telemetry wire sock server",
	// level 3: the operator
	"admin": "config proxy hotreload telemetry",
	// level 4: programs
	"":               "*",
	"bench":          "*",
	"bench/openloop": "",
	"bench/origin":   "demo",
	"conformance":    "config proxy server telemetry",
	"soak":           "",
}

type listed struct {
	ImportPath   string
	Imports      []string
	GoFiles      []string
	Dir          string
	TestGoFiles  []string
	XTestGoFiles []string
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("package %s stands in no line of mayImport", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, is := strings.CutPrefix(imported, module+"/")
			if is && allowed != "*" && !slices.Contains(strings.Fields(allowed), ours) {
				t.Errorf("%s must not import %s", name, ours)
			}
		}
	}
}

// TestBannedImports keeps out of the product what would spoil its promises.
func TestBannedImports(t *testing.T) {
	unsafeFiles := map[string]bool{"router": true, "sock": true} // one file each; see docs/HOTPATH.md
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		for _, imported := range p.Imports {
			switch {
			case imported == "unsafe" && !unsafeFiles[name]:
				t.Errorf("%s imports unsafe", name)
			case imported == "log":
				t.Errorf("%s imports log; events go through telemetry.Log", name)
			case imported == "net/http" && slices.Contains([]string{"wire", "server", "upstream", "proxy", "exchange", "middleware"}, name):
				t.Errorf("%s imports net/http, which is another HTTP than ours", name)
			}
		}
	}
}

// TestNobodyReadsFasthttpsRequest: ctx says nothing of the client's request; see
// [server.Options].
func TestNobodyReadsFasthttpsRequest(t *testing.T) {
	banned := regexp.MustCompile(`\bctx\.(Request|URI|Path|OriginalURI|RequestURI|Method|Host|Query\w*|Post\w*|Form\w*|Is(Get|Head|Post|Put|Delete)|Referer|UserAgent)\b`)
	for _, dir := range []string{"proxy", "middleware", "exchange"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found := banned.Find(source); found != nil {
				t.Errorf("%s reads %s; the request is exchange.Of(ctx).Head", file, found)
			}
		}
	}
}
