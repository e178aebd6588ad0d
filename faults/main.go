// Command faults plays what goes wrong in earnest, by real means, before Sluice,
// nginx and HAProxy, and counts what became of every request. It writes
// docs/RELIABILITY.md. Linux only. In this folder:
//
//	go run .                                  all of it
//	go run . -only kill,hang -proxies sluice  some of it
//	go run . -short                           the short form, for CI
//	go run . -write ../docs/RELIABILITY.md    all of it, and the document
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
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// roleVariable says which part of the program a process of ours is.
const roleVariable = "FAULTS_ROLE"

var roles = map[string]func(args []string) error{
	"origin": runOrigin,
	"holder": runHolder,
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

// options are the command line.
type options struct {
	only, proxies []string
	built         string
	write         string
	short         bool
}

func main() {
	if playRole() {
		return
	}
	var o options
	only := flag.String("only", "", "play these `faults`, as kill,hang: "+strings.Join(names(), ", "))
	proxies := flag.String("proxies", "", "for these `proxies` of sluice, nginx and haproxy")
	flag.StringVar(&o.built, "sluice", "", "this `file` in place of a build of the folder above")
	flag.StringVar(&o.write, "write", "", "write the document to this `file`")
	flag.BoolVar(&o.short, "short", false, "some faults, less time, Sluice alone")
	flag.Parse()
	o.only, o.proxies = fields(*only), fields(*proxies)
	if o.write != "" && (len(o.only)+len(o.proxies) > 0 || o.short) {
		fmt.Fprintln(os.Stderr, "faults: the document is written of everything")
		os.Exit(2)
	}
	os.Exit(enter(o.built, func(b base) int {
		if err := play(b, o); err != nil {
			fmt.Fprintf(os.Stderr, "faults: %v\n", err)
			return 1
		}
		return 0
	}))
}

var errPromise = errors.New("a promise is broken")

func play(b base, o options) error {
	if o.short && len(o.proxies) == 0 {
		o.proxies = []string{sluice.name}
	}
	for _, name := range o.only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("no fault is called %q", name)
		}
	}
	r := newRunner(b, o.proxies, o.short)
	var all []*result
	var broken error
	begun := time.Now()
	for _, f := range faults {
		chosen := slices.Contains(o.only, f.name) || len(o.only) == 0 && (f.short || !o.short)
		if !chosen {
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
		all = append(all, results...)
	}
	if o.write != "" {
		if err := os.WriteFile(o.write, []byte(r.document(all, time.Since(begun))), 0o644); err != nil {
			return err
		}
	}
	return broken
}

func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func names() []string {
	all := make([]string, len(faults))
	for i, f := range faults {
		all[i] = f.name
	}
	return all
}

// base is where faults are played.
type base struct {
	dir   string // for everything that is written
	built string // Sluice
	world *world
}

const (
	dirVariable   = "FAULTS_DIR"
	builtVariable = "FAULTS_SLUICE"
)

// enter builds Sluice, unless it is given, and does the work in namespaces of its
// own if the machine permits that. It returns the exit code.
func enter(built string, work func(base) int) int {
	b := base{dir: os.Getenv(dirVariable), built: os.Getenv(builtVariable)}
	var err error
	if inside() {
		if b.world, err = newWorld(b.dir); err != nil {
			fmt.Fprintf(os.Stderr, "faults: %v\n", err)
			return exitNoWorld
		}
		return work(b)
	}
	if b.dir, err = os.MkdirTemp("", "faults-"); err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\n", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	// nginx started by root works as another user.
	_ = os.Chmod(b.dir, 0o755)
	if b.built = built; built == "" {
		b.built = filepath.Join(b.dir, "sluice")
		cmd := exec.Command("go", "build", "-o", b.built, ".")
		cmd.Dir = ".."
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "faults: cannot build sluice: %v\n%s", err, out)
			return 1
		}
	}
	_ = os.Setenv(dirVariable, b.dir)
	_ = os.Setenv(builtVariable, b.built)
	if code, ok := isolate(); ok {
		return code
	}
	fmt.Fprintln(os.Stderr, "faults: no namespaces here: what needs them is left out")
	b.world = &world{}
	return work(b)
}
