package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

// flags makes the flag set of a command; usage is its command line without the name.
func flags(name, usage, about string, errs io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(errs)
	f.Usage = func() {
		fmt.Fprintf(errs, "Usage: sluice %s %s\n\n%s\n\nFlags:\n", name, usage, about)
		f.PrintDefaults()
	}
	return f
}

func configFlag(f *flag.FlagSet) *string {
	return f.String("config", "config.json", "the config `file`")
}

// parse reads the command line; done says that the command has ended, with code.
func parse(f *flag.FlagSet, args []string, positional int) (code int, done bool) {
	if l, ok := f.Output().(*flagLister); ok {
		l.flags = f
		return exitOK, true
	}
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK, true
	case err != nil:
		return exitUsage, true
	case positional >= 0 && f.NArg() != positional:
		fmt.Fprintf(f.Output(), "sluice %s: unexpected %q\n", f.Name(), f.Args())
		f.Usage()
		return exitUsage, true
	}
	return exitOK, false
}

func runCommand(args []string, _, errs io.Writer) int {
	f := flags("run", "[-config FILE] [-strict] [-pid-file FILE]",
		"Serves until SIGTERM or SIGINT. An edit of the file takes effect at once;\n"+
			"one with a mistake changes nothing and is told in the log. A copy of what is in force is\n"+
			"kept beside the file, as FILE.good; where the file cannot be used at the start, that is served.\n"+
			"SIGUSR2 hands over to the program as it lies on disk now; see 'sluice upgrade'.", errs)
	path := configFlag(f)
	strict := f.Bool("strict", false, "refuse to start where the file cannot be used")
	pidFile := f.String("pid-file", "", "keep the id of the process that serves in this `file`")
	if code, done := parse(f, args, 0); done {
		return code
	}
	return serve(startOptions{path: *path, keep: true, strict: *strict, upgradable: true, pidFile: *pidFile}, errs, nil)
}

// tell prints why a config cannot be used, a line for each problem.
func tell(errs io.Writer, path string, err error) {
	var problems config.Problems
	if errors.As(err, &problems) {
		fmt.Fprintln(errs, problems.Format(path))
		return
	}
	fmt.Fprintf(errs, "sluice: %v\n", err)
}

// loadCandidate reads a config and compiles it, without serving it. Its own tests
// are not run: who asks why one fails needs what is compiled.
func loadCandidate(path string) (candidate *proxy.Candidate, src []byte, err error) {
	src, err = os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the config: %w", err)
	}
	cfg, err := config.Parse(src, proxy.Catalog())
	if err != nil {
		return nil, src, err
	}
	p := proxy.New(proxy.Options{Metrics: telemetry.NewMetrics(version())})
	candidate, err = p.Prepare(cfg)
	return candidate, src, config.Place(src, err)
}

// checkConfig finds everything wrong with a config that can be found without
// serving it, its own tests included.
func checkConfig(path string) (*config.Config, error) {
	candidate, src, err := loadCandidate(path)
	if err != nil {
		return nil, err
	}
	defer candidate.Discard()
	g := candidate.Generation()
	return g.Config, config.Place(src, g.RunTests())
}

func versionCommand(args []string, out, errs io.Writer) int {
	f := flags("version", "", "Prints the version of this build.", errs)
	if code, done := parse(f, args, 0); done {
		return code
	}
	fmt.Fprintf(out, "sluice %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(len(s.Value), 12)]
		}
	}
	return "devel"
}

// headerFlags collects -H flags.
type headerFlags [][2]string

func (h *headerFlags) String() string { return "" }

func (h *headerFlags) Set(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return fmt.Errorf("%q is not a field; write 'Name: value'", line)
	}
	*h = append(*h, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	return nil
}

func explainCommand(args []string, out, errs io.Writer) int {
	f := flags("explain", "[-config FILE] METHOD URL [-H 'Name: value'] ...",
		"Tells which route a request takes and why, what its target would be sent, or what it is\n"+
			"answered. Nothing is sent. Exit code 1 if the request would be refused.", errs)
	path := configFlag(f)
	var fields headerFlags
	f.Var(&fields, "H", "a header `field`; may be repeated")
	// Flags may stand behind the URL too, as people write them for curl.
	var positional []string
	for rest := args; ; {
		if code, done := parse(f, rest, -1); done {
			return code
		}
		if f.NArg() == 0 {
			break
		}
		positional, rest = append(positional, f.Arg(0)), f.Args()[1:]
	}
	if len(positional) != 2 {
		fmt.Fprintf(errs, "sluice explain: want METHOD and URL, got %q\n", positional)
		f.Usage()
		return exitUsage
	}
	candidate, _, err := loadCandidate(*path)
	if err != nil {
		tell(errs, *path, err)
		return exitFail
	}
	defer candidate.Discard()
	e, err := candidate.Generation().Explain(proxy.Query{Method: positional[0], URL: positional[1], Header: fields})
	if err != nil {
		fmt.Fprintf(errs, "sluice explain: %v\n", err)
		return exitFail
	}
	if err := e.WriteText(out); err != nil {
		fmt.Fprintf(errs, "sluice explain: %v\n", err)
		return exitFail
	}
	if e.Verdict == proxy.VerdictRefuse {
		return exitFail
	}
	return exitOK
}
