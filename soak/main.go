// Command soak runs the built Sluice for minutes under good and hostile traffic at
// a bounded rate, edits its config meanwhile, and tells whether every good request
// got its own answer and whether memory, goroutines and descriptors stay flat. It
// measures no speed; that is what bench is for. All of it is on loopback.
//
//	go run ./soak -duration 10m
//	go run ./soak -short          20 s, for CI
//
// The exit code is 1 if a good request failed, something grew, a hostile client
// was not got rid of, or Sluice did not end as it should.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"time"
)

func main() {
	var o options
	flag.DurationVar(&o.duration, "duration", 10*time.Minute, "how long the traffic lasts")
	flag.IntVar(&o.rate, "rate", 500, "good requests per second")
	flag.StringVar(&o.program, "sluice", "", "this `file` in place of a build of the current folder")
	short := flag.Bool("short", false, "20 s at 200 requests per second, for CI")
	flag.Parse()
	if *short {
		o.duration, o.rate = 20*time.Second, 200
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type options struct {
	duration time.Duration
	rate     int
	program  string
}

var errVerdict = errors.New("the soak has failed")

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if o.program == "" {
		o.program = filepath.Join(dir, "sluice")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", o.program, ".").CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build sluice: %w\n%s", err, out)
		}
	}
	t := &tally{}
	s, err := newSite(dir, t)
	if err != nil {
		return err
	}
	defer s.close()
	p, err := start(ctx, o.program, s)
	if err != nil {
		return err
	}
	defer p.kill()
	r, err := soak(ctx, o, s, p, t)
	if err != nil {
		return errors.Join(err, p.explain())
	}
	if err := p.stop(); err != nil {
		t.fail("process", err)
	}
	if !r.print(os.Stdout, t) {
		return errors.Join(errVerdict, p.explain())
	}
	return nil
}

// soak runs the traffic and takes samples: one at rest before, some under load,
// and one at rest after.
func soak(ctx context.Context, o options, s *site, p *process, t *tally) (*report, error) {
	r := &report{every: max(2*time.Second, min(10*time.Second, o.duration/12))}
	if err := r.take(p, t, rest); err != nil {
		return nil, err
	}
	loaded, stop := context.WithTimeout(ctx, o.duration)
	defer stop()
	var traffic sync.WaitGroup
	traffic.Go(func() { runGood(loaded, s, t, o.rate) })
	traffic.Go(func() { runHostile(loaded, s, t) })
	traffic.Go(func() { runEdits(loaded, s, t) })
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for loaded.Err() == nil {
		select {
		case <-loaded.Done():
		case <-p.ended:
			stop()
			traffic.Wait()
			return nil, errors.New("sluice has ended under load")
		case <-tick.C:
			if err := r.take(p, t, load); err != nil {
				return nil, err
			}
		}
	}
	traffic.Wait()
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	return r, r.settle(p, t)
}
