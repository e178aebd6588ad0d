package main

import (
	"context"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/telemetry"
)

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

// swapAccess puts a log, or none, in force; the one before ends but for the sinks
// that this one has taken over.
func (in *instance) swapAccess(next *telemetry.AccessLog) {
	in.proxy.SetAccessLog(next)
	in.access.swap(next, func(ctx context.Context, old *telemetry.AccessLog) error { return old.Replace(ctx, next) }, in.accessLost)
}

// discardAccess ends a log that was prepared and is not to come into force.
func (in *instance) discardAccess(log *telemetry.AccessLog) {
	if log != nil && log != in.access.inForce {
		_ = log.Replace(context.Background(), in.access.inForce) // nothing was written to it
	}
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
