package main

import (
	"context"
	"time"
)

// stop ends everything: readiness fails at once, requests are taken as before for
// limits.drain_delay, and those under way then may take limits.drain_timeout to
// end. When ctx ends, both are over.
func (in *instance) stop(ctx context.Context) {
	in.draining.Store(true)
	in.stopWatch()
	in.watching.Wait()
	limits := in.cfg.Limits
	select {
	case <-time.After(limits.DrainDelay.D()):
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(ctx, limits.DrainTimeout.D())
	defer cancel()
	begun := time.Now()
	if err := in.server.Shutdown(ctx); err != nil {
		in.log.Warn().Int64("requests", in.proxy.InFlight()).Dur("after_ms", time.Since(begun)).
			Msg("requests were cut off at the end of the drain")
	}
	in.proxy.Close()
	if err := in.access.close(); err != nil {
		in.accessLost(err)
	}
	if in.door != nil {
		in.door.close()
	}
	in.log.Info().Dur("after_ms", time.Since(begun)).Msg("stopped")
}
