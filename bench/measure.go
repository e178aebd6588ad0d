package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// least is how long an idle proxy, or one that reloads, is looked at.
const least = 5 * time.Second

// measureAll measures every case of every proxy in rounds: the proxies follow
// each other within a case, so that what slows the machine for a while slows all.
func (b *bench) measureAll(ctx context.Context, chosen []testCase) (results, error) {
	found := results{}
	for _, s := range setups {
		var of []testCase
		for _, c := range chosen {
			if c.setup == s.name {
				of = append(of, c)
			}
		}
		if len(of) == 0 {
			continue
		}
		if err := b.measureSetup(ctx, s, of, found); err != nil {
			return found, err
		}
	}
	return found, nil
}

// measureSetup measures the cases of a setup, whose proxies run meanwhile and no longer.
func (b *bench) measureSetup(ctx context.Context, s setup, of []testCase, found results) error {
	if err := b.start(ctx, s); err != nil {
		return err
	}
	defer b.stop()
	for _, p := range b.proxies {
		if err := check(ctx, p, of); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if s.name == idleSetup {
		fmt.Fprint(os.Stderr, "idle connections:")
		defer fmt.Fprintln(os.Stderr)
		return b.measureIdle(ctx)
	}
	for round := range b.options.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d:", round+1, b.options.rounds)
		for _, c := range of {
			fmt.Fprintf(os.Stderr, " %s", c.name)
			for turn := range max(s.turns, 1) {
				if err := b.measureTurn(ctx, c, round*max(s.turns, 1)+turn, found); err != nil {
					fmt.Fprintln(os.Stderr)
					return err
				}
			}
		}
		fmt.Fprintln(os.Stderr)
	}
	return nil
}

// measureTurn measures a case of each proxy once; who is the first changes.
func (b *bench) measureTurn(ctx context.Context, c testCase, turn int, found results) error {
	for i := range b.proxies {
		p := b.proxies[(i+turn)%len(b.proxies)]
		m, err := b.measure(ctx, p, c, turn)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", p.name, c.name, err)
		}
		key := resultKey{c.name, p.name}
		found[key] = append(found[key], m)
	}
	return nil
}

// measure measures one case of one proxy once.
func (b *bench) measure(ctx context.Context, p *proxy, c testCase, round int) (measurement, error) {
	if err := b.findCapacity(ctx, c); err != nil {
		return measurement{}, err
	}
	if c.warm && round == 0 {
		if _, err := b.runLoad(ctx, p, c); err != nil {
			return measurement{}, err
		}
	}
	resetPeak(p.pid())
	before, err := cpuTime(p.pid())
	if err != nil {
		return measurement{}, p.explain(err)
	}
	counters := &counters{}
	if b.setup.cycles {
		counters = openCounters(p.pid())
		defer counters.close()
	}
	began := time.Now()
	finish := b.beside(ctx, p, c, round)
	l, err := b.runLoad(ctx, p, c)
	elapsed := time.Since(began)
	work := counters.read()
	besideErr := finish()
	if err := errors.Join(err, besideErr); err != nil {
		return measurement{}, err
	}
	after, err := cpuTime(p.pid())
	if err != nil {
		return measurement{}, p.explain(err)
	}
	lines, err := p.takeLog()
	if err != nil {
		return measurement{}, err
	}
	_, peak, err := memory(p.pid())
	m := measurement{load: l, cpu: after - before, work: work, elapsed: elapsed, peak: peak, lines: lines, reloads: p.reloads}
	p.reloads = nil
	return m, err
}

// duration is how long a load of wrk's lasts.
func (b *bench) duration() time.Duration {
	if b.setup.turns > 0 {
		return time.Second
	}
	return b.options.duration
}

// runLoad puts a proxy under the load of a case.
func (b *bench) runLoad(ctx context.Context, p *proxy, c testCase) (load, error) {
	switch {
	case c.idle:
		select {
		case <-time.After(max(b.options.duration, least)):
		case <-ctx.Done():
		}
		return load{}, ctx.Err()
	case c.open():
		return b.runOpenloop(ctx, p.address, c)
	}
	return b.runWrk(ctx, p.address, c)
}

// findCapacity measures once what the baseline can do, where a case needs it.
func (b *bench) findCapacity(ctx context.Context, c testCase) error {
	if c.share == 0 || b.capacity > 0 {
		return nil
	}
	p := b.proxies[0]
	if i := slices.IndexFunc(b.proxies, func(p *proxy) bool { return p.name == baseline }); i >= 0 {
		p = b.proxies[i]
	}
	l, err := b.runWrk(ctx, p.address, caseNamed("small"))
	b.capacity = l.perSecond
	return err
}

// runOpenloop sends requests to a proxy's address at the case's rate.
func (b *bench) runOpenloop(ctx context.Context, address string, c testCase) (load, error) {
	rate, duration := c.rate, b.options.duration
	if c.share > 0 {
		rate = c.share * b.capacity
	}
	if c.setup == "routes100k" {
		duration = max(duration, least)
	}
	name, args := b.cores.pin(b.cores.load, b.programs["openloop"], []string{
		"-rate", strconv.FormatFloat(rate, 'f', 0, 64), "-connections", strconv.Itoa(b.options.connections),
		"-duration", duration.String(), "http://" + address + c.path,
	})
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			out = exit.Stderr
		}
		return load{}, fmt.Errorf("openloop: %w\n%s", err, out)
	}
	l, err := parseOpenloop(out)
	l.offered = rate
	return l, err
}

// parseOpenloop reads the line that openloop prints.
func parseOpenloop(out []byte) (load, error) {
	var told struct {
		Requests, Errors int
		Rate             float64
		P50              float64 `json:"p50_us"`
		P99              float64 `json:"p99_us"`
		P999             float64 `json:"p999_us"`
		Late             float64 `json:"late_p99_us"`
	}
	if err := json.Unmarshal(out, &told); err != nil {
		return load{}, fmt.Errorf("cannot read what openloop printed: %w\n%s", err, out)
	}
	if told.Requests == 0 {
		return load{}, fmt.Errorf("openloop had no answer\n%s", out)
	}
	micros := func(n float64) time.Duration { return time.Duration(n * float64(time.Microsecond)) }
	return load{
		requests: told.Requests, errors: told.Errors, perSecond: told.Rate,
		p50: micros(told.P50), p99: micros(told.P99), p999: micros(told.P999), late: micros(told.Late),
	}, nil
}

// beside starts what happens to Sluice while it is under load. The function that
// it returns waits for the end of that.
func (b *bench) beside(ctx context.Context, p *proxy, c testCase, round int) func() error {
	var running sync.WaitGroup
	var reloading, profiling error
	loaded := make(chan struct{})
	if c.reloads {
		running.Go(func() { reloading = p.reloadUntil(ctx, loaded) })
	}
	if b.options.profile != "" && p.name == subject {
		path := filepath.Join(b.options.profile, fmt.Sprintf("%s-%d.pprof", c.name, round+1))
		running.Go(func() { profiling = p.profile(ctx, b.duration(), path) })
	}
	return func() error {
		close(loaded)
		running.Wait()
		return errors.Join(reloading, profiling)
	}
}

// takeLog counts the lines of the access log and empties it: in memory, it must
// not grow for long. Lines that a proxy has yet to write count for the next time.
func (p *proxy) takeLog() (lines int, err error) {
	if p.site.Log == "" {
		return 0, nil
	}
	text, err := os.ReadFile(p.site.Log)
	if err != nil {
		return 0, fmt.Errorf("cannot read the access log: %w", err)
	}
	if len(text) == 0 {
		return 0, errors.New("wrote no access log")
	}
	return bytes.Count(text, []byte("\n")), os.Truncate(p.site.Log, 0)
}
