// Command bench measures Sluice beside nginx and HAProxy, alike configured and
// pinned to one core each, and prints one table. It installs nothing: peers that
// are not there are named and left out. Start it with bench/run.sh, or from the
// repository's root with `go run ./bench`.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	rounds      int
	duration    time.Duration // of one measurement; wrk takes whole seconds
	connections int
	cases       string
	proxies     string
	sluice      string // a binary to measure in place of a build of this tree
	quick       bool
	record      bool
	plots       string // a folder
	profile     string // a folder
	idle        string // numbers of connections
	settle      time.Duration
}

func main() {
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	err = run(ctx, o)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench/run.sh", flag.ContinueOnError)
	f.IntVar(&o.rounds, "rounds", 3, "rounds; the table shows their medians")
	f.DurationVar(&o.duration, "duration", 2*time.Second, "of one measurement, in whole seconds")
	f.IntVar(&o.connections, "connections", 64, "client connections")
	f.StringVar(&o.cases, "cases", "", "which cases and groups of cases, as basic,half; all if empty\ngroups: "+
		strings.Join(groupNames(), ", ")+"\ncases: "+strings.Join(caseNames(), ", "))
	f.StringVar(&o.proxies, "proxies", "", "which proxies, as sluice,nginx; all that are installed if empty: "+strings.Join(kindNames(), ", "))
	f.StringVar(&o.sluice, "sluice", "", "measure this `binary` of Sluice, not a build of this tree")
	f.BoolVar(&o.quick, "quick", false, "one round of one second of "+quickCases+": shows that all works, not how fast")
	f.BoolVar(&o.record, "record", false, "write table and plots to bench/results/DATE-COMMIT too")
	f.StringVar(&o.plots, "plots", "", "write plots to this `folder`")
	f.StringVar(&o.profile, "profile", "", "write CPU profiles of Sluice under each load to this `folder`")
	f.StringVar(&o.idle, "idle", "0,1000,2000,5000", "of how many idle connections to measure the memory, in the case idleconns")
	f.DurationVar(&o.settle, "settle", 20*time.Second, "how long they are left alone before")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds, o.duration, o.cases = 1, time.Second, cmp.Or(o.cases, quickCases)
		o.settle = time.Second
		o.proxies = cmp.Or(o.proxies, "sluice,nginx,haproxy")
	}
	_, err := parseCounts(o.idle)
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected %q", f.Args())
	case o.rounds < 1 || o.connections < 1 || o.duration < time.Second || o.duration%time.Second != 0:
		err = errors.New("-rounds and -connections are at least 1, -duration is in whole seconds")
	case o.record && o.sluice != "":
		err = errors.New("-record tells the commit measured, so it does not go with -sluice")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
	}
	return o, err
}

// run does the whole bench. It returns an error if a request failed, however
// fast the others were.
func run(ctx context.Context, o options) error {
	began := time.Now()
	cases, err := chooseCases(o.cases)
	if err != nil {
		return err
	}
	b, err := newBench(o)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.prepare(ctx, cases); err != nil {
		return err
	}
	results, err := b.measureAll(ctx, cases)
	report := b.report(results, time.Since(began))
	fmt.Print(report) // of what there is, also after an error
	if err != nil {
		return err
	}
	if err := b.write(began, report, results); err != nil {
		return err
	}
	if failed := results.errors(); failed > 0 {
		return fmt.Errorf("%d requests failed", failed)
	}
	return nil
}
