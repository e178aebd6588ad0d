package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/handover"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/upstream"
)

// The kinds of sockets that are handed over; an address follows.
const (
	listenerSocket = "listener "
	adminSocket    = "admin "
)

// upgrades is what an instance knows of its being replaced by another process.
type upgrades struct {
	program string // what is run
	broken  error  // why program is not known

	living   context.Context // ends with the instance, and with it an upgrade
	stop     context.CancelFunc
	cut      context.Context // ends when there is no time left for anything
	cutShort context.CancelFunc
	replaced chan struct{} // closed when another process has taken over
	left     atomic.Bool   // the sockets are the other process's now

	mu sync.Mutex // held while an upgrade is under way, and for good once the instance ends
}

func (u *upgrades) init() {
	u.program, u.broken = handover.Program()
	u.living, u.stop = context.WithCancel(context.Background())
	u.cut, u.cutShort = context.WithCancel(context.Background())
	u.replaced = make(chan struct{})
}

// longestFarewell is how long a new process that will not do may take to end.
const longestFarewell = 5 * time.Second

// end gives up an upgrade under way, and lets none begin. It reports whether
// another process has taken over. When ctx ends, a new one is killed.
func (u *upgrades) end(ctx context.Context) (replaced bool) {
	defer context.AfterFunc(ctx, u.cutShort)()
	u.stop()
	u.mu.Lock()
	select {
	case <-u.replaced:
		return true
	default:
		return false
	}
}

// upgrade runs the program as it lies on disk now, hands over to it once it
// serves, and lets this process drain. When it fails this process goes on as
// before.
func (in *instance) upgrade(cause string) (admin.Upgraded, error) {
	u, begun := &in.upgrades, time.Now()
	if why := in.mayUpgrade(); why != "" {
		in.log.Warn().Str("cause", cause).Str("why", why).Msg("upgrade refused")
		if why != underWay && !in.draining.Load() {
			in.writePID() // tells who waits for it
		}
		return admin.Upgraded{}, &admin.UpgradeRefused{Why: why}
	}
	defer u.mu.Unlock()
	in.log.Info().Str("cause", cause).Str("program", u.program).Msg("upgrade begun")
	pid, ready, err := in.handOver()
	if err != nil {
		event, what := in.log.Error(), "upgrade failed; this process goes on"
		if u.living.Err() != nil {
			event, what, err = in.log.Warn(), "upgrade given up", errEnding
		}
		event.Str("cause", cause).Int("new_pid", pid).Dur("took_ms", time.Since(begun)).Err(err).Msg(what)
		in.writePID() // tells who waits for it
		return admin.Upgraded{}, fmt.Errorf("cannot upgrade: %w", err)
	}
	in.log.Info().Str("cause", cause).Int("new_pid", pid).Str("new_version", ready.Version).
		Dur("took_ms", time.Since(begun)).Msg("upgraded: the new process serves, this one drains")
	close(u.replaced)
	return admin.Upgraded{PID: pid, Version: ready.Version, Before: version(), TookMS: time.Since(begun).Milliseconds()}, nil
}

const underWay = "an upgrade is under way"

// mayUpgrade takes upgrades.mu, or tells why there can be no upgrade now.
func (in *instance) mayUpgrade() (why string) {
	u := &in.upgrades
	switch {
	case !in.opts.upgradable:
		return "only what sluice run has started can be replaced"
	case os.Getpid() == 1:
		return "this is process 1 of a container, which ends with it; replace the container"
	case u.broken != nil:
		return "the program is not known: " + u.broken.Error()
	}
	if data, err := os.ReadFile(in.opts.path); err == nil {
		// A new process knows nothing of what happened, and would serve it again.
		if err := in.watcher.TakenBack(data); err != nil {
			return "the config file has what the guard took back; mend it first"
		}
	}
	if !u.mu.TryLock() {
		if u.living.Err() != nil || in.draining.Load() {
			return errEnding.Error()
		}
		return underWay
	}
	if in.draining.Load() {
		u.mu.Unlock()
		return errEnding.Error()
	}
	return ""
}

// handOver starts a new process and, once it serves, leaves the sockets to it.
func (in *instance) handOver() (pid int, ready handover.Ready, err error) {
	// No reload meanwhile: both processes are to serve by the same file.
	in.changing.Lock()
	defer in.changing.Unlock()
	u := &in.upgrades
	sockets := in.sockets()
	next, err := handover.Start(u.program, sockets)
	if err != nil {
		return 0, ready, err
	}
	ctx, cancel := u.living, context.CancelFunc(func() {})
	if limit := in.cfg.Limits.UpgradeTimeout.D(); limit > 0 {
		ctx, cancel = context.WithTimeoutCause(u.living, limit, fmt.Errorf("the new process was not ready within %s", limit))
	}
	defer cancel()
	if ready, err = next.Await(ctx, in.state); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		// Until it is gone this process accepts as before: connections that only
		// the new one could still accept would be lost with it.
		grace, cancel := context.WithTimeout(u.cut, longestFarewell)
		defer cancel()
		next.Terminate(grace)
		return next.PID(), ready, err
	}
	u.left.Store(true)
	in.draining.Store(true)
	for _, s := range sockets {
		handover.KeepPath(s.Listener)
	}
	in.server.Leave()
	if in.door != nil {
		in.door.admin.Leave()
	}
	in.notify(fmt.Sprintf("MAINPID=%d\nREADY=1", next.PID()))
	return next.PID(), ready, nil
}

// sockets are all that the instance listens on.
func (in *instance) sockets() []handover.Socket {
	var all []handover.Socket
	for address, l := range in.server.Sockets() {
		all = append(all, handover.Socket{Name: listenerSocket + address, Listener: l})
	}
	if in.door != nil {
		all = append(all, handover.Socket{Name: adminSocket + in.door.address, Listener: in.door.socket})
	}
	slices.SortFunc(all, func(a, b handover.Socket) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

// learned is what a new process is told of what the old one has learned. What it
// does not know it ignores.
type learned struct {
	Upstreams map[string]upstream.PoolState `json:"upstreams"`
}

func (in *instance) state() ([]byte, error) {
	return json.Marshal(learned{Upstreams: in.proxy.Generation().State()})
}

// listen opens a socket, or takes the one that was inherited for the address.
func (in *instance) listen(ctx context.Context, kind, address string) (net.Listener, error) {
	if l, err := in.opts.inherited.Listener(kind + address); l != nil || err != nil {
		return l, err
	}
	return server.Listen(ctx, address)
}

// inherit makes the first generation know what the process before has learned.
func (in *instance) inherit(first *proxy.Candidate) {
	if in.cfg != nil {
		return
	}
	data, err := in.opts.inherited.State()
	if err == nil && data != nil {
		var l learned
		if err = json.Unmarshal(data, &l); err == nil {
			first.Inherit(l.Upstreams)
		}
	}
	if err != nil {
		in.log.Warn().Err(err).Msg("nothing is known of what the process before has learned")
	}
}

// takeOver tells whom it concerns that this process serves. After an error it
// must end.
func (in *instance) takeOver() error {
	if in.opts.inherited == nil {
		in.notify("READY=1")
	} else if err := in.opts.inherited.Serve(handover.Ready{Version: version()}); err != nil {
		return err
	}
	in.inCharge = true
	in.writePID()
	return nil
}
