package main

import (
	"context"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/telemetry"
)

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

// swapTracer puts a tracer, or none, in force.
func (in *instance) swapTracer(next *telemetry.Tracer) {
	in.proxy.SetTracer(next)
	in.traces.swap(next, func(ctx context.Context, old *telemetry.Tracer) error { return old.Close(ctx) }, in.tracesLost)
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
