package telemetry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// TestSeriesBound has everything happen that has a series of its own, and counts.
func TestSeriesBound(t *testing.T) {
	cfg := &config.Config{Upstreams: map[string]config.Upstream{}}
	cfg.Log.Access.Path = "stdout"
	cfg.Log.Access.Sinks = []config.AccessSink{{Type: "nsq"}}
	m := NewMetrics("v1.2.3")
	s := m.Scope()
	defer s.Close()
	held := new(heldSinks)
	m.sink("stdout", held)
	m.sink("nsq", held)
	for i := range 3 {
		cfg.Routes = append(cfg.Routes, config.Route{Name: fmt.Sprint("route", i)})
	}
	for i := range 2 {
		u := config.Upstream{}
		for j := range 4 {
			u.Targets = append(u.Targets, config.Target{Address: fmt.Sprint("target", j)})
		}
		cfg.Upstreams[fmt.Sprint("upstream", i)] = u
	}
	for _, reason := range append(exchange.Reasons(), exchange.OK) {
		f := &exchange.Facts{Reason: reason, HeaderTime: 1}
		m.Unmatched().Observe(f)
		for _, r := range cfg.Routes {
			s.Route(r.Name).Observe(f)
		}
		for name, u := range cfg.Upstreams {
			s.Upstream(name).Observe(f)
			for _, target := range u.Targets {
				s.Target(name, target.Address).Attempted(reason, false)
			}
		}
	}
	m.Collect(func(emit Emit) { emitRest(emit, cfg) })
	counted := Series{}
	for line := range strings.Lines(text(t, m)) {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.Contains(line, `route="`):
			counted.Routes++
		case strings.Contains(line, `target="`):
			counted.Targets++
		case strings.Contains(line, `upstream="`):
			counted.Upstreams++
		default:
			counted.Rest++
		}
	}
	if bound := SeriesBound(cfg); counted != bound {
		t.Errorf("counted %+v, said to be at most %+v", counted, bound)
	}
}

// emitRest emits what is not counted by telemetry itself.
func emitRest(emit Emit, cfg *config.Config) {
	for _, d := range []*Definition{
		InFlight, Tunnels, ClientConnections, ClientParked, ClientRoom, AcceptHeld, Generation, LogDropped, ReloadTime,
	} {
		emit(d, 1)
	}
	for name, u := range cfg.Upstreams {
		for _, d := range []*Definition{UpstreamFailingOpen, UpstreamInFlight, UpstreamWaiting, UpstreamLimit} {
			emit(d, 1, name)
		}
		for _, t := range u.Targets {
			for _, d := range []*Definition{TargetInFlight, TargetLatency, TargetUsable, TargetDrained} {
				emit(d, 1, name, t.Address)
			}
			for _, state := range []string{"up", "slow_start", "ejected", "down"} {
				emit(TargetState, 1, name, t.Address, state)
				emit(TargetChanges, 1, name, t.Address, state)
			}
			emit(TargetConnections, 1, name, t.Address, "active")
			emit(TargetConnections, 1, name, t.Address, "idle")
		}
	}
}
