package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

const (
	// accessGrace is how long requests that ended just at a reload may take to
	// write to the log that was in force.
	accessGrace = time.Second
	// accessFlush is how long sinks have at the end to take what waits for them,
	// and accessRetire how long those have that a reload has removed.
	accessFlush  = 3 * time.Second
	accessRetire = 10 * time.Second
)

// accessLogs are the access log in force, nil if it is off, and those before it
// that are not yet ended. They are changed by one goroutine at a time.
type accessLogs struct {
	inForce *telemetry.AccessLog

	mu      sync.Mutex
	retired map[*telemetry.AccessLog]bool
}

// prepareAccess returns the access log the config wants: the present one if it is
// the same, else one that takes over its sinks as far as they are.
func (in *instance) prepareAccess(def config.AccessLog) (*telemetry.AccessLog, error) {
	switch before := in.access.inForce; {
	case def.Path == "off" && len(def.Sinks) == 0:
		return nil, nil
	case before != nil && before.Is(def):
		return before, nil
	}
	return telemetry.OpenAccess(def, telemetry.AccessOptions{
		Metrics: in.metrics, Tell: in.accessTold, Before: in.access.inForce,
	})
}

// accessTold logs what became of a sink of the access log.
func (in *instance) accessTold(e telemetry.AccessEvent) {
	if e.Err != nil {
		in.log.Error().Str("sink", e.Sink).Err(e.Err).Msg("access log in trouble: lines wait or are lost, requests go on")
		return
	}
	in.log.Info().Str("sink", e.Sink).Uint64("lost", e.Lost).Msg("access log works again")
}

// accessLost logs that a sink was ended before it took all that waited for it.
func (in *instance) accessLost(err error) {
	in.log.Error().Err(err).Msg("access log lines were lost at the end of a sink")
}

// discard ends a log that was prepared and is not to come into force.
func (l *accessLogs) discard(log *telemetry.AccessLog) {
	if log != nil && log != l.inForce {
		_ = log.Replace(context.Background(), l.inForce) // nothing was written to it
	}
}

// swap puts next, which may be nil, in force and ends what it does not take over;
// told is told if that loses lines.
func (l *accessLogs) swap(p *proxy.Proxy, next *telemetry.AccessLog, told func(error)) {
	old := p.SetAccessLog(next)
	l.inForce = next
	if old == nil || old == next {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired == nil {
		l.retired = make(map[*telemetry.AccessLog]bool)
	}
	l.retired[old] = true
	time.AfterFunc(accessGrace, func() {
		ctx, cancel := context.WithTimeout(context.Background(), accessRetire)
		defer cancel()
		if err := old.Replace(ctx, next); err != nil {
			told(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.retired, old)
	})
}

// close writes what waits for any sink and ends all of them.
func (l *accessLogs) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), accessFlush)
	defer cancel()
	l.mu.Lock()
	ending := []*telemetry.AccessLog{l.inForce}
	for log := range l.retired {
		ending = append(ending, log)
	}
	l.mu.Unlock()
	results := make(chan error)
	for _, log := range ending {
		go func() {
			if log == nil {
				results <- nil
				return
			}
			results <- log.Close(ctx)
		}()
	}
	var errs []error
	for range ending {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}
