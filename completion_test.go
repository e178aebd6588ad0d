package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completions are command lines, the last word not yet finished, and what it can
// become, in a folder with the files config.json and other.txt.
var completions = []struct {
	line string
	want []string
}{
	{"sluice va", []string{"validate"}},
	{"sluice ", []string{"run", "validate", "explain", "diff", "upgrade", "demo", "version", "help", "completion"}},
	{"sluice validate -", []string{"-config", "-json", "-quiet", "-strict"}},
	{"sluice validate -s", []string{"-strict"}},
	{"sluice validate -config con", []string{"config.json"}},
	{"sluice run -pid-file o", []string{"other.txt"}},
	{"sluice -config c", []string{"config.json"}},
	{"sluice -config config.json -st", []string{"-strict"}},
	{"sluice diff -json o", []string{"other.txt"}},
	{"sluice diff config.json o", []string{"other.txt"}},
	{"sluice explain P", []string{"POST", "PUT", "PATCH"}},
	{"sluice completion b", []string{"bash"}},
	{"sluice help ro", []string{"routes"}},
	{"sluice help dem", []string{"demo"}},
	{"sluice version c", nil},
}

// completionIn returns a script of a shell, in a folder with the files.
func completionIn(t *testing.T, shell string) (program, script, dir string) {
	t.Helper()
	program, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("there is no %s", shell)
	}
	code, out, errs := sluice("completion", shell)
	if code != exitOK || errs != "" {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	dir = t.TempDir()
	for _, file := range []string{"config.json", "other.txt"} {
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script = filepath.Join(dir, ".sluice")
	if err := os.WriteFile(script, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
	return program, script, dir
}

// lines runs a shell and returns the lines that it prints.
func lines(t *testing.T, dir, program string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%s: %v %s", program, err, errs.String())
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

func TestBashCompletion(t *testing.T) {
	bash, script, dir := completionIn(t, "bash")
	const complete = `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf '%s\n' "${COMPREPLY[@]}"`
	for _, c := range completions {
		args := append([]string{"--norc", "-c", complete, "bash", script}, strings.Split(c.line, " ")...)
		checkCompletion(t, c.line, lines(t, dir, bash, args...), c.want)
	}
}

func TestFishCompletion(t *testing.T) {
	fish, script, dir := completionIn(t, "fish")
	for _, c := range completions {
		var got []string
		for _, line := range lines(t, dir, fish, "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, script, c.line) {
			word, _, _ := strings.Cut(line, "\t")
			got = append(got, word)
		}
		checkCompletion(t, c.line, got, c.want)
	}
}

func checkCompletion(t *testing.T, line string, got, want []string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%q is not completed to %s, but to %q", line, w, got)
		}
	}
	// After "sluice " flags of run may stand, too.
	if line != "sluice " && len(got) != len(want) {
		t.Errorf("%q is completed to %q, want %q", line, got, want)
	}
}

// TestZshCompletion has stand-ins for what zsh itself does with what it is told.
func TestZshCompletion(t *testing.T) {
	zsh, script, dir := completionIn(t, "zsh")
	told := func(line string) string {
		words := strings.Split(line, " ")
		return strings.Join(lines(t, dir, zsh, append([]string{"-f", "-c", `
compdef() { : }
_describe() { print -rl -- ${(P)2} }
_arguments() { print -r -- "current $CURRENT of $words"; print -rl -- "$@" }
. "$1"; shift; words=("$@"); CURRENT=$#; _sluice`, "zsh", script}, words...)...), "\n")
	}
	for line, want := range map[string][]string{
		"sluice va":                  {"validate:tell every problem of a config and exit", "completion:print what"},
		"sluice validate -config co": {"current 3 of validate -config co\n", "\n-config[the config file]:file:_files\n", "\n-strict[exit"},
		"sluice -config co":          {"current 3 of sluice -config co\n", "\n-pid-file[keep the id"},
		"sluice diff a":              {"\n*:file:_files"},
		"sluice help ro":             {"\n1: :(config health", " diff "},
		"sluice explain -H":          {"\n-H[a header field; may be repeated]:field: "},
	} {
		got := told(line)
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%q: no %q in what zsh is told:\n%s", line, part, got)
			}
		}
	}
}

func TestCompletionRefusesOtherShells(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}, {"completion", "bash", "zsh"}} {
		if code, out, errs := sluice(args...); code != exitUsage || out != "" || errs == "" {
			t.Errorf("%v: exit code %d, %q, %q", args, code, out, errs)
		}
	}
}
