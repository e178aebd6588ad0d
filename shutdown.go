package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/handover"
)

// logFlush is how long the end of the process waits for its log to be written.
const logFlush = time.Second

var errEnding = errors.New("this process is ending")

// serve runs a config until a signal ends it, or another process takes its place.
// started, if not nil, is called once requests are served.
func serve(opts startOptions, errs io.Writer, started func(*instance)) int {
	// Before anything is served: who is told that it is may send a signal at once.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR2)
	// A log whose reader is gone must not end the process.
	signal.Ignore(syscall.SIGPIPE)
	memory := limitMemory(os.DirFS("/"))
	takeShortTurns()
	var in *instance
	var err error
	if opts.upgradable {
		opts.inherited, err = handover.Claim()
	}
	if err == nil {
		in, err = start(opts, errs)
	}
	if err != nil {
		tell(errs, opts.path, err)
		return exitFail
	}
	defer in.log.Flush(logFlush)
	in.tellBudgets(memory, runtime.GOMAXPROCS(0))
	if err := in.takeOver(); err != nil {
		in.log.Error().Err(err).Msg("cannot take over; draining")
		in.stop(context.Background())
		return exitFail
	}
	if started != nil {
		started(in)
	}
	in.conduct(signals)
	return exitOK
}

// conduct does what signals ask for until the process is to end, and ends it.
func (in *instance) conduct(signals <-chan os.Signal) {
	spare := 0 // signals that ask for what is done already
	for ending := false; !ending; {
		select {
		case s := <-signals:
			switch s {
			case syscall.SIGHUP:
				// It may have to wait for an upgrade, which a signal can end.
				go in.hangUp()
			case syscall.SIGUSR2:
				go func() { _, _ = in.upgrade("signal") }() // what becomes of it is logged
			default:
				in.log.Info().Str("signal", s.String()).Msg("draining; a second signal ends at once")
				ending = true
			}
		case <-in.upgrades.replaced:
			// A supervisor that ends the whole group sends one to each process.
			spare, ending = 1, true
		}
	}
	in.draining.Store(true) // before anything is asked for that it rules out
	ctx, cut := context.WithCancel(context.Background())
	go func() {
		for s := range signals {
			switch {
			case s == syscall.SIGHUP:
				in.reopenLog()
			case s == syscall.SIGUSR2:
				_, _ = in.upgrade("signal") // which is refused
			case spare > 0:
				spare--
				in.log.Info().Str("signal", s.String()).Msg("draining already; a second signal ends at once")
			default:
				// A hang-up is no wish to end at once.
				cut()
			}
		}
	}()
	in.stop(ctx)
}

// stop ends everything: readiness fails at once, requests are taken as before for
// limits.drain_delay, and those under way then may take limits.drain_timeout to
// end. When ctx ends, both are over. A process that is not in charge, another being
// in its place, takes no more requests and leaves what both share as it is.
func (in *instance) stop(ctx context.Context) {
	in.draining.Store(true)
	if in.upgrades.end(ctx) {
		in.inCharge = false
	}
	in.stopWatch()
	in.watching.Wait()
	limits, doorClosed := in.cfg.Limits, make(chan struct{})
	closeDoor := func() {
		defer close(doorClosed)
		if in.door != nil {
			in.door.close()
		}
	}
	if !in.inCharge {
		// Who keeps a connection to ask whether we are ready is to ask the other.
		go closeDoor()
	} else {
		in.notify("STOPPING=1")
		select {
		case <-time.After(limits.DrainDelay.D()):
		case <-ctx.Done():
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limits.DrainTimeout.D())
	defer cancel()
	begun := time.Now()
	if err := in.server.Shutdown(ctx); err != nil {
		in.log.Warn().Int64("requests", in.proxy.InFlight()).Dur("after_ms", time.Since(begun)).
			Msg("requests were cut off at the end of the drain")
	}
	in.proxy.Close()
	in.flush()
	if in.inCharge {
		closeDoor()
		in.removePID()
	}
	<-doorClosed
	in.log.Info().Dur("after_ms", time.Since(begun)).Msg("stopped")
}

// reopenLog opens the access log anew, after a rotation.
func (in *instance) reopenLog() {
	if log := in.proxy.AccessLog(); log != nil {
		if err := log.Reopen(); err != nil {
			in.log.Error().Err(err).Msg("cannot open the access log anew")
		}
	}
}
