package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// TestEndToEnd runs the tests of the module e2e, which build this binary and
// look at it from outside, so that go test ./... covers all modules.
func TestEndToEnd(t *testing.T) {
	readAll(t, "deploy") // its tests read it
	var more []string
	if builtWithRace() {
		more = append(more, "-race")
	}
	testModule(t, "e2e", more...)
}

// TestFaults plays the faults of the module faults in short.
func TestFaults(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("its means are Linux's")
	}
	testModule(t, "faults")
}

// testModule runs the tests of a module in a folder of ours.
func testModule(t *testing.T, dir string, more ...string) {
	t.Helper()
	readAll(t, dir)
	args := append([]string{"test", "-count=1", "-json"}, more...)
	if testing.Short() {
		args = append(args, "-short")
	}
	if end, ok := t.Deadline(); ok {
		// It ends a little before we would be ended, so that its output is told.
		args = append(args, "-timeout="+(time.Until(end)*9/10).String())
	}
	cmd := exec.Command("go", append(args, "./...")...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	passed, text := readEvents(out)
	if testing.Verbose() && err == nil {
		t.Logf("%s", text)
	}
	switch {
	case err != nil:
		t.Errorf("cd %s && go %s: %v\n%s%s", dir, strings.Join(args, " "), err, text, errs.Bytes())
	case passed == 0:
		t.Errorf("cd %s && go %s: no test ran\n%s%s", dir, strings.Join(args, " "), text, errs.Bytes())
	}
}

// readAll reads every file of a folder: go test caches a result until one of the
// files that were read changes, and does not see what a command reads.
func readAll(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// builtWithRace reports whether the race detector is on.
func builtWithRace() bool {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return true
		}
	}
	return false
}

// readEvents reads what go test -json prints: how many tests passed, and what a
// reader wants to see, which is the output of those that did not and every
// result. What is no event, such as a compiler's message, is kept.
func readEvents(out []byte) (passed int, text string) {
	var all strings.Builder
	outputs := map[string]string{}
	for line := range bytes.Lines(out) {
		var e struct{ Action, Package, Test, Output string }
		if json.Unmarshal(line, &e) != nil {
			all.Write(line)
			continue
		}
		name := e.Package + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if e.Test == "" {
				all.WriteString(e.Output)
			} else {
				outputs[name] += e.Output
			}
		case "pass", "skip", "fail":
			if e.Test == "" {
				continue
			}
			if e.Action == "pass" {
				passed++
				fmt.Fprintf(&all, "pass %s\n", e.Test)
			} else {
				all.WriteString(outputs[name])
			}
		}
	}
	return passed, all.String()
}
