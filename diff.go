package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
)

func diffCommand(args []string, out, errs io.Writer) int {
	f := flags("diff", "[-json] OLD NEW", "Tells what putting the config NEW in force in place of OLD would do: what is opened,\n"+
		"kept, changed and ended. NEW is checked as by validate. Nothing is opened or dialled.\n"+
		"Exit code 1 if one of them has a problem, 0 whether they differ or not.", errs)
	asJSON := f.Bool("json", false, "print JSON")
	if code, done := parse(f, args, 2); done {
		return code
	}
	before, err := readConfig(f.Arg(0))
	if err != nil {
		tell(errs, f.Arg(0), err)
		return exitFail
	}
	after, err := checkConfig(f.Arg(1))
	if err != nil {
		tell(errs, f.Arg(1), err)
		return exitFail
	}
	changes := proxy.Diff(before, after)
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(changes)
	} else {
		err = changes.WriteText(out)
	}
	if err != nil {
		fmt.Fprintf(errs, "sluice diff: %v\n", err)
		return exitFail
	}
	return exitOK
}

// readConfig reads a config that may not be fit to be served here any more.
func readConfig(path string) (*config.Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the config: %w", err)
	}
	return config.Parse(src, proxy.Catalog())
}

// dryRun tells what a reload would do now. It opens nothing, so that an address
// that cannot be listened on is found only by the reload itself. The error is a
// [config.Problems] where the content is at fault, a [*hotreload.TakenBackError]
// where only a forced reload would apply it. It may be called from any goroutine.
func (in *instance) dryRun(force bool) (changes *proxy.Changes, err error) {
	aside(func() { changes, err = in.wouldDo(force) })
	return changes, err
}

func (in *instance) wouldDo(force bool) (*proxy.Changes, error) {
	src, err := os.ReadFile(in.opts.path)
	if err != nil {
		return nil, err
	}
	if err := in.watcher.TakenBack(src); err != nil && !force {
		return nil, err
	}
	cfg, err := config.Parse(src, proxy.Catalog())
	if err != nil {
		return nil, err
	}
	candidate, err := in.proxy.Prepare(cfg)
	if err != nil {
		return nil, config.Place(src, err)
	}
	defer candidate.Discard()
	if err := candidate.Generation().RunTests(); err != nil {
		return nil, config.Place(src, err)
	}
	return proxy.Diff(in.proxy.Generation().Config, cfg), nil
}
