package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// bench holds what runs.
type bench struct {
	options  options
	dir      string            // temporary; removed at the end
	logDir   string            // the same for access logs, in memory if that can be
	programs map[string]string // paths of what is measured and of our own tools
	missing  []kind            // proxies that are not installed
	capacity float64           // requests a second that the baseline answers; 0 until it is needed

	idle idleResults // none if idle connections were not measured

	// Of the setup that runs.
	setup   setup
	cores   cores
	origin  *process
	proxies []*proxy
}

func newBench(o options) (*bench, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, errors.New("wrk is not installed (Debian: apt install wrk); nothing can be measured without")
	}
	if _, err := os.Stat("bench/small.lua"); err != nil {
		return nil, errors.New("not in the repository's root; use bench/run.sh")
	}
	b := &bench{options: o, programs: map[string]string{}}
	var err error
	if b.dir, err = os.MkdirTemp("", "sluice-bench-"); err != nil {
		return nil, err
	}
	if b.logDir, err = os.MkdirTemp("/dev/shm", "sluice-bench-"); err != nil {
		b.logDir = filepath.Join(b.dir, "access")
		err = os.Mkdir(b.logDir, 0o755)
	}
	// nginx started by root works as another user, who must get through here.
	if err = errors.Join(err, os.Chmod(b.dir, 0o755), os.Chmod(b.logDir, 0o755)); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// close ends all processes and removes their files.
func (b *bench) close() {
	b.stop()
	_ = os.RemoveAll(b.dir)
	if b.logDir != "" {
		_ = os.RemoveAll(b.logDir)
	}
}

// prepare builds what is ours and looks for the others.
func (b *bench) prepare(ctx context.Context, cases []testCase) error {
	for name, from := range map[string]string{"origin": "./bench/origin", "openloop": "./bench/openloop"} {
		if err := b.build(ctx, name, from); err != nil {
			return err
		}
	}
	for _, k := range kinds {
		if !b.wanted(k, cases) {
			continue
		}
		if err := b.findProxy(ctx, k); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(kinds, func(k kind) bool { return b.programs[k.name] != "" }) {
		return fmt.Errorf("no proxy to measure in %q", b.options.proxies)
	}
	findCores(runtime.NumCPU(), 1).keepOff()
	return nil
}

// wanted reports whether a proxy has a part in the cases.
func (b *bench) wanted(k kind, cases []testCase) bool {
	if k.tags != "" {
		usual := b.options.sluice == "" && b.wanted(kinds[0], cases)
		return usual && slices.ContainsFunc(cases, func(c testCase) bool { return c.setup == k.setup })
	}
	return b.options.proxies == "" || slices.Contains(strings.Split(b.options.proxies, ","), k.name)
}

// findProxy finds the program of a proxy, and builds Sluice's.
func (b *bench) findProxy(ctx context.Context, k kind) error {
	switch {
	case k.tags != "":
		return b.build(ctx, k.name, ".", "-tags", k.tags)
	case k.name != subject:
		path, err := find(k.name)
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s is not installed (%s); going on without\n", k.name, k.install)
			b.missing = append(b.missing, k)
			return nil
		}
		b.programs[k.name] = path
		return nil
	case b.options.sluice != "":
		b.programs[k.name] = b.options.sluice
		return nil
	}
	return b.build(ctx, k.name, ".")
}

func (b *bench) build(ctx context.Context, name, from string, flags ...string) error {
	path := filepath.Join(b.dir, name+"-binary")
	args := slices.Concat([]string{"build", "-trimpath", "-o", path}, flags, []string{from})
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot build %s: %w\n%s", from, err, out)
	}
	b.programs[name] = path
	return nil
}

// start starts the origins and the proxies of a setup; stop ends them.
func (b *bench) start(ctx context.Context, s setup) error {
	b.setup, b.cores = s, findCores(runtime.NumCPU(), s.workers)
	found, err := b.newSite(s)
	if err != nil {
		return err
	}
	if err := b.startOrigin(ctx, found); err != nil {
		return fmt.Errorf("origin: %w", err)
	}
	for _, k := range kinds {
		program := b.programs[k.name]
		if program == "" || !s.has(k) {
			continue
		}
		p, err := b.startProxy(k, program, b.siteOf(found, s, k))
		if err != nil {
			return err
		}
		b.proxies = append(b.proxies, p)
		if err := p.awaitAnswer(ctx, p.address); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return nil
}

// siteOf completes a site with what is a proxy's own.
func (b *bench) siteOf(s site, in setup, k kind) site {
	i := slices.IndexFunc(kinds, func(other kind) bool { return other.name == k.name })
	s.Dir, s.Port, s.AdminPort = filepath.Join(b.dir, k.name), s.Ports[i], s.Ports[len(kinds)+i]
	if in.log && !k.syslog {
		s.Log = filepath.Join(b.logDir, k.name+".log")
	}
	return s
}

// stop ends what start has started, and removes its files.
func (b *bench) stop() {
	for _, p := range b.proxies {
		p.stop()
		_ = os.RemoveAll(p.site.Dir)
		_ = os.Remove(p.site.Log)
	}
	if b.origin != nil {
		b.origin.stop()
	}
	b.proxies, b.origin = nil, nil
}

func (b *bench) startOrigin(ctx context.Context, s site) error {
	addresses := []string{"unix:" + s.Unix}
	for _, port := range s.Origins {
		addresses = append(addresses, "127.0.0.1:"+strconv.Itoa(port))
	}
	for _, target := range s.Many {
		addresses = append(addresses, "127.0.0.1:"+strconv.Itoa(target.Port))
	}
	args := []string{"-listen", strings.Join(addresses, ",")}
	if s.LogSocket != "" {
		args = append(args, "-syslog", s.LogSocket)
	}
	name, args := b.cores.pin(b.cores.load, b.programs["origin"], args)
	var err error
	b.origin, err = startProcess(filepath.Join(b.dir, "origin.log"), name, args,
		"GOMAXPROCS="+strconv.Itoa(b.cores.loadCount))
	if err != nil {
		return err
	}
	// It opens them one after the other.
	return b.origin.awaitAnswer(ctx, addresses[len(addresses)-1])
}
