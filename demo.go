package main

import (
	_ "embed"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/demo"
	"github.com/sluiceproxy/sluice/proxy"
)

//go:embed config.json
var exampleConfig []byte

func demoCommand(args []string, out, errs io.Writer) int {
	f := flags("demo", "[-config FILE]", "Starts a small origin on each target address of the config and serves the config.\n"+
		"Where there is no such file, a copy of the example is served from a new folder.", errs)
	path := configFlag(f)
	if code, done := parse(f, args, 0); done {
		return code
	}
	file, err := demoConfig(*path)
	if err != nil {
		fmt.Fprintf(errs, "sluice: %v\n", err)
		return exitFail
	}
	origins, err := startOrigins(file)
	for _, o := range origins {
		defer func() { _ = o.Close() }()
	}
	if err != nil {
		tell(errs, file, err)
		return exitFail
	}
	return serve(startOptions{path: file}, errs, func(in *instance) { printTour(out, file, in.cfg, origins) })
}

// demoConfig returns the file to serve: path if it exists, and else a copy of
// the example.
func demoConfig(path string) (string, error) {
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "sluice-demo-")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "config.json")
	return path, os.WriteFile(path, exampleConfig, 0o644)
}

// startOrigins starts an origin on each target address that is on this machine.
func startOrigins(file string) ([]*demo.Origin, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the config: %w", err)
	}
	cfg, err := config.Parse(src, proxy.Catalog())
	if err != nil {
		return nil, err
	}
	var origins []*demo.Origin
	started := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Upstreams)) {
		for _, t := range cfg.Upstreams[name].Targets {
			if started[t.Address] || !local(t.Address) {
				continue
			}
			started[t.Address] = true
			o, err := demo.Start(demo.Options{Name: string(rune('a' + len(origins)%26)), Address: t.Address})
			if err != nil {
				return origins, fmt.Errorf("cannot start an origin: %w", err)
			}
			origins = append(origins, o)
		}
	}
	return origins, nil
}

func local(address string) bool {
	for _, prefix := range []string{"127.", "localhost:", "[::1]:", "unix:"} {
		if strings.HasPrefix(address, prefix) {
			return true
		}
	}
	return false
}

// printTour tells what is running and what to try.
func printTour(out io.Writer, file string, cfg *config.Config, origins []*demo.Origin) {
	base := "http://" + strings.TrimPrefix(cfg.Listeners[0].Address, "unix:")
	fmt.Fprintf(out, "Sluice serves %s on %s\n", file, base)
	for _, o := range origins {
		fmt.Fprintf(out, "  origin %s on %s\n", o.Name(), o.Addr())
	}
	fmt.Fprintf(out, `
Try, in another terminal:
  curl %[1]s/ping                                          # answered by Sluice itself
  for i in 1 2 3 4 5 6 7; do curl -s %[1]s/v1/hello; done   # weights 5, 1, 1; /v1 is stripped
  curl -H 'X-User-Id: ada' %[1]s/users/1                   # the same user, the same origin
  curl %[1]s/headers                                       # what an origin sees
`, base)
	if cfg.Admin.Address != "" {
		fmt.Fprintf(out, "  curl http://%s/upstreams                                # targets, connections, latency\n", cfg.Admin.Address)
		fmt.Fprintf(out, "or look at http://%s/ in a browser: all of that as it happens\n", cfg.Admin.Address)
	}
	fmt.Fprintf(out, `
Then edit %s while requests flow: set a weight to 0, break a line, save.
What becomes of it is told below. Ctrl-C ends.

`, file)
}
