package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// How many hosts, paths of each, and targets of the hashed upstream there are.
// mixed.lua asks for the same names.
const (
	hostCount   = 50
	pathCount   = 20
	originCount = 4
)

// bench holds what runs: the origins and the proxies.
type bench struct {
	options options
	cores   cores
	dir     string // temporary; removed at the end
	origin  *process
	proxies []*proxy
	missing []string // proxies that are not installed
}

func newBench(o options) (*bench, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, errors.New("wrk is not installed (Debian: apt install wrk); nothing can be measured without")
	}
	if _, err := os.Stat("bench/small.lua"); err != nil {
		return nil, errors.New("not in the repository's root; use bench/run.sh")
	}
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, cores: findCores(runtime.NumCPU()), dir: dir}
	// nginx started by root works as another user, who must get through here.
	if err := os.Chmod(dir, 0o755); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// close ends all processes and removes their files.
func (b *bench) close() {
	for _, p := range b.proxies {
		p.stop()
	}
	if b.origin != nil {
		b.origin.stop()
	}
	_ = os.RemoveAll(b.dir)
}

// start builds what is ours and starts everything.
func (b *bench) start(ctx context.Context) error {
	ports, err := freePorts(originCount + len(kinds) + 1)
	if err != nil {
		return err
	}
	origins, ports := ports[:originCount], ports[originCount:]
	if err := b.startOrigin(ctx, origins); err != nil {
		return fmt.Errorf("origin: %w", err)
	}
	for i, k := range kinds {
		if b.options.proxies != "" && !strings.Contains(","+b.options.proxies+",", ","+k.name+",") {
			continue
		}
		program, err := b.program(ctx, k.name)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(os.Stderr, "bench: %s is not installed (Debian: apt install %s); going on without\n", k.name, k.name)
			b.missing = append(b.missing, k.name)
			continue
		}
		if err != nil {
			return err
		}
		p, err := b.startProxy(k, program, site{
			Dir: filepath.Join(b.dir, k.name), Port: ports[i], AdminPort: ports[len(kinds)], Origins: origins,
			Hosts: numbered("h%02d.bench.test", hostCount), Paths: numbered("/p%02d", pathCount),
		})
		if err != nil {
			return err
		}
		b.proxies = append(b.proxies, p)
		if err := p.awaitAnswer(ctx, p.address); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	if len(b.proxies) == 0 {
		return fmt.Errorf("no proxy to measure in %q", b.options.proxies)
	}
	return nil
}

func (b *bench) startOrigin(ctx context.Context, ports []int) error {
	program, err := b.build(ctx, "origin", "./bench/origin")
	if err != nil {
		return err
	}
	addresses := make([]string, len(ports))
	for i, port := range ports {
		addresses[i] = "127.0.0.1:" + strconv.Itoa(port)
	}
	name, args := b.cores.pin(b.cores.load, program, []string{"-listen", strings.Join(addresses, ",")})
	b.origin, err = startProcess(filepath.Join(b.dir, "origin.log"), name, args,
		"GOMAXPROCS="+strconv.Itoa(b.cores.loadCount))
	if err != nil {
		return err
	}
	return b.origin.awaitAnswer(ctx, addresses[len(addresses)-1])
}

// program returns the path of a proxy's program, Sluice's freshly built.
func (b *bench) program(ctx context.Context, name string) (string, error) {
	switch {
	case name != "sluice":
		return find(name)
	case b.options.sluice != "":
		return b.options.sluice, nil
	}
	return b.build(ctx, "sluice-binary", ".")
}

func (b *bench) build(ctx context.Context, name, from string) (string, error) {
	path := filepath.Join(b.dir, name)
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, from).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot build %s: %w\n%s", from, err, out)
	}
	return path, nil
}

// measureAll measures every case of every proxy in rounds: the proxies follow
// each other within a case, so that what slows the machine for a while slows all.
func (b *bench) measureAll(ctx context.Context, cases []testCase) (results, error) {
	found := results{}
	for round := range b.options.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d:", round+1, b.options.rounds)
		for _, c := range cases {
			fmt.Fprintf(os.Stderr, " %s", c.name)
			for i := range b.proxies {
				p := b.proxies[(i+round)%len(b.proxies)]
				m, err := b.measure(ctx, p, c)
				if err != nil {
					fmt.Fprintln(os.Stderr)
					return nil, fmt.Errorf("%s, %s: %w", p.name, c.name, err)
				}
				key := resultKey{c.name, p.name}
				found[key] = append(found[key], m)
			}
		}
		fmt.Fprintln(os.Stderr)
	}
	return found, nil
}

// measure measures one case of one proxy once.
func (b *bench) measure(ctx context.Context, p *proxy, c testCase) (measurement, error) {
	resetPeak(p.pid())
	before, err := cpuTime(p.pid())
	if err != nil {
		return measurement{}, p.explain(err)
	}
	began := time.Now()
	l, err := b.runWrk(ctx, p.address, c)
	if err != nil {
		return measurement{}, err
	}
	elapsed := time.Since(began)
	after, err := cpuTime(p.pid())
	if err != nil {
		return measurement{}, p.explain(err)
	}
	peak, err := peakMemory(p.pid())
	return measurement{load: l, cpu: after - before, elapsed: elapsed, peak: peak}, err
}
