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

// Spans have as much time as access lines: accessGrace, accessFlush and accessRetire.

// traces are the tracer in force, nil if tracing is off, and those before it that
// have not yet sent all. They are changed by one goroutine at a time.
type traces struct {
	inForce *telemetry.Tracer

	mu      sync.Mutex
	retired map[*telemetry.Tracer]bool
}

// tracer returns what the config wants: the present tracer if it is the same, nil for
// none.
func (in *instance) tracer(def *config.Tracing) *telemetry.Tracer {
	switch before := in.traces.inForce; {
	case def == nil:
		return nil
	case before != nil && before.Is(def):
		return before
	}
	return telemetry.OpenTracer(def, telemetry.TracerOptions{Metrics: in.metrics, Tell: in.tracesTold, Version: version()})
}

// tracesTold logs what became of the receiver of spans.
func (in *instance) tracesTold(e telemetry.TraceEvent) {
	if e.Err != nil {
		in.log.Error().Err(e.Err).Msg("tracing in trouble: spans wait or are lost, requests go on")
		return
	}
	in.log.Info().Uint64("lost", e.Lost).Msg("tracing works again")
}

// tracesLost logs that a tracer was ended before all of its spans were taken.
func (in *instance) tracesLost(err error) {
	in.log.Error().Err(err).Msg("spans were lost")
}

// swap puts next, which may be nil, in force and ends the one before once it has sent
// what waits; told is told if that loses spans.
func (t *traces) swap(p *proxy.Proxy, next *telemetry.Tracer, told func(error)) {
	old := p.SetTracer(next)
	t.inForce = next
	if old == nil || old == next {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.retired == nil {
		t.retired = make(map[*telemetry.Tracer]bool)
	}
	t.retired[old] = true
	time.AfterFunc(accessGrace, func() {
		ctx, cancel := context.WithTimeout(context.Background(), accessRetire)
		defer cancel()
		if err := old.Close(ctx); err != nil {
			told(err)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.retired, old)
	})
}

// close sends what waits and ends all tracers.
func (t *traces) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), accessFlush)
	defer cancel()
	t.mu.Lock()
	var ending []*telemetry.Tracer
	if t.inForce != nil {
		ending = append(ending, t.inForce)
	}
	for old := range t.retired {
		ending = append(ending, old)
	}
	t.mu.Unlock()
	results := make(chan error)
	for _, tracer := range ending {
		go func() { results <- tracer.Close(ctx) }()
	}
	var errs []error
	for range ending {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}

// flush writes the access lines and sends the spans that wait, both at once.
func (in *instance) flush() {
	sent := make(chan error)
	go func() { sent <- in.traces.close() }()
	if err := in.access.close(); err != nil {
		in.accessLost(err)
	}
	if err := <-sent; err != nil {
		in.tracesLost(err)
	}
}
