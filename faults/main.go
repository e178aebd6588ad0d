// Command faults plays what goes wrong in earnest, by real means, before Sluice,
// nginx and HAProxy, and counts what became of every request. It writes
// docs/RELIABILITY.md. See `go run . -h`, in this folder.
//
// The exit code is 1 if Sluice has broken a promise: while at least one target
// lives, no idempotent request fails, and no other is ever sent twice.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// roleVariable says which part of the program a process of ours is.
const roleVariable = "FAULTS_ROLE"

// roles are those that need no flags.
var roles = map[string]func(args []string) error{
	"origin": runOrigin,
}

// playRole runs the role of this process, and reports whether it has one.
func playRole() bool {
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		return false
	}
	if err := role(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func main() {
	if playRole() {
		return
	}
	if err := command_(); err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\n", err)
		os.Exit(1)
	}
}

var errPromise = errors.New("a promise is broken")

func command_() error {
	only := flag.String("only", "", "play these `faults`, as kill,hang")
	proxies := flag.String("proxies", "", "for these `proxies`, as sluice,nginx")
	built := flag.String("sluice", "", "this `file` in place of a build of the folder above")
	short := flag.Bool("short", false, "the short form: some faults, less time, Sluice alone")
	flag.Parse()
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if *short && *proxies == "" {
		*proxies = sluice.name
	}
	r, err := newRunner(dir, *built, fields(*proxies))
	if err != nil {
		return err
	}
	r.short = *short
	var broken error
	for _, f := range faults {
		if *only != "" && !slices.Contains(fields(*only), f.name) || *only == "" && *short && !f.short {
			continue
		}
		results, err := r.run(f)
		if err != nil {
			return err
		}
		for _, result := range results {
			fmt.Print(result.tell())
			if result.proxy == sluice.name && len(result.broken) > 0 {
				broken = errPromise
			}
		}
	}
	return broken
}

func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// build builds Sluice.
func build(to string) error {
	cmd := exec.Command("go", "build", "-o", to, ".")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build sluice: %w\n%s", err, out)
	}
	return nil
}
