package main

import (
	"context"
	"math"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/telemetry"
)

// descriptors is how the file descriptors the process may have are divided.
type descriptors struct {
	limit int64 // 0: unlimited, and nothing below is set
	// reserve is for what is neither a client's nor a target's: listeners, the
	// admin interface, log files, reads of the config, name resolution.
	reserve int64
	// upstreams is what all pools together may come to have by connections.max.
	upstreams int64
	// clients is how many clients are let in. A request takes a connection to a
	// target besides the client's, so where pools may need more, half is theirs.
	clients int64
}

// Bounds of the reserve; in between it is a share of the limit.
const (
	leastReserve = 32
	mostReserve  = 512
)

func divideDescriptors(limit int64, cfg *config.Config) descriptors {
	d := descriptors{limit: limit}
	if limit == 0 {
		return d
	}
	d.reserve = min(leastReserve+limit/32, mostReserve) + 2*int64(len(cfg.Listeners))
	for _, u := range cfg.Upstreams {
		d.upstreams += int64(len(u.Targets)) * int64(u.Connections.Max)
	}
	rest := max(limit-d.reserve, 2)
	d.clients = rest - min(d.upstreams, rest/2)
	return d
}

// tight reports whether pools could come to have more connections than are left
// to them.
func (d *descriptors) tight() bool { return d.clients+d.upstreams+d.reserve > d.limit }

// descriptorLimit is the soft limit, which Go has raised to the hard one when the
// process began; 0 where there is none.
func descriptorLimit() int64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || l.Cur > math.MaxInt32 {
		return 0
	}
	return int64(l.Cur)
}

// fitDescriptors divides the descriptors anew for a config that is coming into
// force.
func (in *instance) fitDescriptors(cfg *config.Config) {
	d := divideDescriptors(descriptorLimit(), cfg)
	before := in.descriptors.Swap(&d)
	in.server.SetRoom(d.clients)
	wanted := int64(cfg.Limits.Connections)
	if d.limit == 0 || wanted == 0 || wanted+d.upstreams+d.reserve <= d.limit {
		return
	}
	if before != nil && *before == d && in.cfg != nil && in.cfg.Limits.Connections == cfg.Limits.Connections {
		return // told already
	}
	in.log.Warn().Int64("descriptors", d.limit).Int64("limits_connections", wanted).Int64("upstream_connections", d.upstreams).
		Int64("client_connections", d.clients).
		Msg("the descriptor limit is too low for limits.connections and all connections.max together; raise it (ulimit -n, LimitNOFILE)")
}

// relieveEvery is how often at most pools are looked at where they may come to have
// more connections than there are descriptors for.
const relieveEvery = 250 * time.Millisecond

// dialling is told that a pool is about to connect to a target; the connection is
// counted by then.
func (in *instance) dialling() {
	select {
	case in.dialled <- struct{}{}:
	default:
	}
}

// relieve closes idle connections to targets when descriptors run short: those of
// one pool may lie idle while another needs them. It looks while pools dial, since a
// process that has nothing to do should not wake.
func (in *instance) relieve(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-in.dialled:
		}
		pause.Reset(relieveEvery)
		d := in.descriptors.Load()
		if d == nil || !d.tight() {
			continue
		}
		used, pools := in.server.Open(), in.proxy.Generation().Pools()
		for _, pool := range pools {
			for _, t := range pool.Targets {
				all, _ := t.Connections()
				used += int64(all)
			}
		}
		if room := d.limit - d.reserve; used < room-room/8 {
			continue
		}
		for _, pool := range pools {
			for _, t := range pool.Targets {
				t.CloseIdle()
			}
		}
	}
}

// tellBudgets logs what the process may use.
func (in *instance) tellBudgets(memory memoryBudget, procs int) {
	d := in.descriptors.Load()
	in.log.Info().Int64("memory_limit", memory.limit).Str("memory_limit_from", memory.from).Int("processors", procs).
		Int64("descriptors", d.limit).Int64("client_connections", d.clients).Msg("process budgets")
}

// emitRoom tells a scrape how many clients are let in.
func (in *instance) emitRoom(emit telemetry.Emit) {
	n, held := in.server.Room()
	emit(telemetry.ClientRoom, float64(n))
	emit(telemetry.AcceptHeld, float64(held))
}
