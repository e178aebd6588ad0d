package proxy

import (
	"maps"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/upstream"
)

// RouteStatus is one route in force, for people and scripts.
type RouteStatus struct {
	Name        string            `json:"name"`
	Hosts       []string          `json:"hosts"` // "*" for any
	Path        string            `json:"path"`
	Methods     []string          `json:"methods,omitempty"` // none for any
	Headers     map[string]string `json:"headers,omitempty"`
	Query       map[string]string `json:"query,omitempty"`
	Cookies     map[string]string `json:"cookies,omitempty"`
	Middlewares []string          `json:"middlewares,omitempty"`
	Upstream    string            `json:"upstream,omitempty"`
	// Respond is the status of a fixed answer, 0 without one. A route with
	// neither that nor an upstream is answered by a middleware.
	Respond int `json:"respond,omitempty"`
}

// RouteList returns every route in matching order. The maps and slices are the
// config's and not to be changed.
func (g *Generation) RouteList() []RouteStatus {
	list := make([]RouteStatus, 0, len(g.routes))
	for _, rule := range g.table.Routes() {
		def := g.routes[rule.Index].def
		s := RouteStatus{
			Name: def.Name, Hosts: rule.Hosts(), Path: def.Path, Methods: def.Methods,
			Headers: def.Headers, Query: def.Query, Cookies: def.Cookies,
			Middlewares: def.Middlewares, Upstream: def.Upstream,
		}
		if def.Respond != nil {
			s.Respond = def.Respond.Status
		}
		list = append(list, s)
	}
	return list
}

// UpstreamStatus is one upstream in force, with what its targets are doing.
type UpstreamStatus struct {
	Name    string `json:"name"`
	Balance string `json:"balance"`
	Hash    string `json:"hash,omitempty"` // what consistent_hash hashes
	// FailingOpen says that no target is fit to be used, so that requests go to
	// all of them.
	FailingOpen bool `json:"failing_open"`
	// Concurrency is there where the upstream has a limit.
	Concurrency *ConcurrencyStatus `json:"concurrency,omitempty"`
	Targets     []TargetStatus     `json:"targets"`
}

// ConcurrencyStatus is how busy an upstream with a limit is.
type ConcurrencyStatus struct {
	InFlight int64  `json:"in_flight"`
	Waiting  int64  `json:"waiting"`
	Limit    int64  `json:"limit,omitempty"` // of the whole upstream; left out without one
	Refused  uint64 `json:"refused"`         // since the process began
	// LatencyMS and BaselineMS are what an adaptive limit goes by: latency of late,
	// and what it is without a queue, in milliseconds.
	LatencyMS  float64 `json:"latency_ms,omitempty"`
	BaselineMS float64 `json:"baseline_ms,omitempty"`
}

func concurrencyStatus(pool *upstream.Pool) *ConcurrencyStatus {
	l := pool.Load()
	if !l.Limited {
		return nil
	}
	return &ConcurrencyStatus{
		InFlight: l.InFlight, Waiting: l.Waiting, Limit: l.Limit, Refused: l.Refused,
		LatencyMS: milliseconds(l.Latency), BaselineMS: milliseconds(l.Baseline),
	}
}

// milliseconds returns d to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// TargetStatus is one target as it is now.
type TargetStatus struct {
	Address string `json:"address"`
	Weight  int    `json:"weight"`
	Backup  bool   `json:"backup"`
	Usable  bool   `json:"usable"`
	State   string `json:"state"` // up, slow_start, ejected or down
	// Since is when the target came to its state, and Why tells why it did; a
	// target that has always been up has no reason, and one not in force neither.
	Since time.Time `json:"since,omitzero"`
	Why   string    `json:"why,omitempty"`
	// Drained says that an operator keeps new requests away, since DrainedSince.
	Drained      bool      `json:"drained"`
	DrainedSince time.Time `json:"drained_since,omitzero"`
	// Trial says that the target is back from its ejection and no request was
	// answered yet, so that it gets few at a time.
	Trial bool    `json:"trial,omitempty"`
	Share float64 `json:"share"` // part of the weight given now, from 0 to 1
	// InFlight is the number of requests under way at the target.
	InFlight int64 `json:"in_flight"`
	Limit    int64 `json:"limit,omitempty"` // of them; left out without one
	// LatencyMS is the moving average that ewma goes by, in milliseconds; 0
	// where nothing is known of late.
	LatencyMS   float64          `json:"latency_ms"`
	Connections ConnectionCounts `json:"connections"`
	// ClosesIdleMS is after what idle time the target closes connections, as far
	// as it has been seen to lately; left out where it has not.
	ClosesIdleMS float64 `json:"closes_idle_ms,omitempty"`
}

// ConnectionCounts are the open connections to one target.
type ConnectionCounts struct {
	All  int `json:"all"`
	Idle int `json:"idle"`
}

// UpstreamList returns every upstream, by name.
func (g *Generation) UpstreamList() []UpstreamStatus {
	list := make([]UpstreamStatus, 0, len(g.pools))
	for _, name := range slices.Sorted(maps.Keys(g.pools)) {
		pool := g.pools[name]
		def := pool.Definition()
		s := UpstreamStatus{Name: name, Balance: def.Balance, FailingOpen: pool.FailingOpen(), Concurrency: concurrencyStatus(pool), Targets: targetList(pool)}
		if def.Hash != nil {
			s.Hash = def.Hash.Key
		}
		list = append(list, s)
	}
	return list
}

// targetList returns the targets of a pool in the order of the config.
func targetList(pool *upstream.Pool) []TargetStatus {
	now := upstream.Clock(time.Now())
	list := make([]TargetStatus, len(pool.Targets))
	for i, t := range pool.Targets {
		// The pool has its targets in the order of its definition.
		def := &pool.Definition().Targets[i]
		all, idle := t.Connections()
		health := t.Health()
		drained, drainedSince := t.Drained()
		list[i] = TargetStatus{
			Address: t.Address, Weight: def.Weight, Backup: def.Backup,
			State: health.State.String(), Since: health.Since, Why: health.Why, Trial: health.Trial,
			Drained: drained, DrainedSince: drainedSince,
			Usable: t.Node.Usable(), Share: t.Node.Share(), InFlight: t.Node.InFlight(), Limit: t.Node.Limit(),
			LatencyMS:   milliseconds(time.Duration(t.Node.Latency(now))),
			Connections: ConnectionCounts{All: all, Idle: idle},

			ClosesIdleMS: milliseconds(t.ClosesIdle()),
		}
	}
	return list
}
