package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/handover"
	"github.com/sluiceproxy/sluice/hotreload"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/telemetry"
	"github.com/sluiceproxy/sluice/upstream"
)

// instance is Sluice at work: one config file, what serves by it, and what
// watches it.
type instance struct {
	opts    startOptions
	log     *telemetry.Log
	metrics *telemetry.Metrics
	proxy   *proxy.Proxy
	server  *server.Server
	watcher *hotreload.Watcher
	guard   *guard

	descriptors atomic.Pointer[descriptors] // of the config in force
	dialled     chan struct{}               // room for one: pools have dialled since relieve has looked

	changing sync.Mutex // guards what follows; held while it is applied or handed over
	cfg      *config.Config
	access   outlets[*telemetry.AccessLog]
	traces   outlets[*telemetry.Tracer]
	door     *door // nil without an admin address
	edit     edit
	unkept   bool // the last attempt to keep a copy of the config failed

	started time.Time
	journal admin.Journal

	upgrades  upgrades
	inCharge  bool // this process serves, and another has not its place
	draining  atomic.Bool
	stopWatch context.CancelFunc
	watching  sync.WaitGroup
}

// door is the admin interface on one address.
type door struct {
	address string
	socket  net.Listener
	admin   *admin.Admin
}

// startOptions say what is served, and how a config that cannot be used is taken.
type startOptions struct {
	path string
	// keep keeps a copy of each config in force beside the file, and starts with
	// it if the file cannot be used; strict refuses to start then.
	keep, strict bool
	// upgradable lets SIGUSR2 replace the process. inherited is what another
	// process has handed over to this one, or nil.
	upgradable bool
	inherited  *handover.Inheritance
	pidFile    string // "" for none
}

// start reads the config and serves it. The error is a [config.Problems] where
// the config is at fault.
func start(opts startOptions, errs io.Writer) (*instance, error) {
	in := &instance{opts: opts, started: time.Now(), log: telemetry.NewLog(errs), metrics: telemetry.NewMetrics(version()),
		dialled: make(chan struct{}, 1)}
	in.guard = newGuard(in)
	in.proxy = proxy.New(proxy.Options{
		Metrics: in.metrics, Trouble: func(msg string) { in.log.Error().Msg(msg) }, Event: in.healthChanged,
		Dialling: in.dialling,
	})
	in.server = server.New(server.Options{
		Handler: in.proxy.Handle,
		Refused: in.proxy.Refused,
		Trouble: func(msg string, err error) { in.log.Error().Err(err).Msg(msg) },
		Listen: func(ctx context.Context, address string) (net.Listener, error) {
			return in.listen(ctx, listenerSocket, address)
		},
	})
	in.metrics.Collect(in.emitRoom)
	in.metrics.Gauge(telemetry.LogDropped, func() float64 { return float64(in.log.Lost()) })
	in.upgrades.init()
	in.metrics.Gauge(telemetry.ClientConnections, func() float64 { return float64(in.server.Open()) })
	in.metrics.Gauge(telemetry.ClientParked, func() float64 { return float64(in.server.Parked()) })
	var err error
	in.watcher, err = hotreload.New(hotreload.Options{Path: opts.path, Apply: in.apply, Aside: aside, Notice: in.notice, Told: in.told})
	if err != nil {
		return nil, err
	}
	if err := in.load(); err != nil {
		if err := in.startFromGood(err); err != nil {
			in.log.Flush(logFlush)
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	in.stopWatch = cancel
	in.watching.Add(1)
	go func() {
		defer in.watching.Done()
		if err := in.watcher.Run(ctx); err != nil {
			in.log.Error().Err(err).Msg("the config file is no longer watched")
		}
	}()
	in.watching.Go(func() { in.guard.run(ctx) })
	in.watching.Go(func() { in.relieve(ctx) })
	return in, nil
}

// load puts the file in force for the first time.
func (in *instance) load() error {
	data, err := os.ReadFile(in.opts.path)
	if err != nil {
		in.metrics.Reloaded(telemetry.ReloadRefused, time.Now())
		return fmt.Errorf("cannot read the config: %w", err)
	}
	if err := in.apply(hotreload.Change{Data: data, Cause: hotreload.CauseStart}); err != nil {
		return err
	}
	in.watcher.Seen(data)
	in.note(in.watcher.Last().InForce)
	return nil
}

func (in *instance) notice(msg string, err error) {
	if err == nil {
		in.log.Info().Str("file", in.opts.path).Msg(msg)
		return
	}
	in.log.Warn().Str("file", in.opts.path).Err(err).Msg(msg)
}

// healthChanged logs what became of a target, or of all of an upstream.
func (in *instance) healthChanged(e upstream.Event) {
	event := in.log.Info()
	if e.Trouble {
		event = in.log.Warn()
	}
	event = event.Str("upstream", e.Upstream)
	if e.Target != "" {
		event = event.Str("target", e.Target).Str("why", e.Why)
	}
	event.Msg(e.What)
}

// apply puts a content of the config file in force, or changes nothing.
func (in *instance) apply(c hotreload.Change) error {
	begun, before := time.Now(), in.cfg
	err := in.change(c.Data)
	in.edit = edit{src: c.Data}
	if err == nil {
		if before != nil {
			in.edit.changes = proxy.Diff(before, in.cfg)
		}
		in.guard.swapped(c, in.cfg)
		if c.Cause == causeGuard {
			in.metrics.Reloaded(telemetry.ReloadReverted, time.Now())
			in.keepGood(c.Data)
			return nil // the guard tells of it
		}
		in.metrics.Reloaded(telemetry.ReloadApplied, time.Now())
		event := in.log.Info().Str("cause", c.Cause).Uint64("generation", in.proxy.Generation().Number).
			Dur("took_ms", time.Since(begun))
		if before != nil {
			event.Str("changed", in.edit.changes.Summary())
		} else {
			event.Strs("listeners", in.addresses())
		}
		event.Msg("config in force")
		in.keepGood(c.Data)
		return nil
	}
	in.metrics.Reloaded(telemetry.ReloadRefused, time.Now())
	if g := in.proxy.Generation(); g != nil {
		in.log.Error().Str("cause", c.Cause).Uint64("in_force", g.Number).Str("problems", describe(in.opts.path, err)).
			Msg("config refused; the generation before stays in force")
	}
	return err
}

// addresses returns what the listeners listen on, which differs from the config
// for port 0.
func (in *instance) addresses() []string {
	var all []string
	for _, a := range in.server.Addresses() {
		all = append(all, a.String())
	}
	slices.Sort(all)
	return all
}

// change prepares every part for the config and then puts all in force; what
// fails leaves no trace.
func (in *instance) change(data []byte) (err error) {
	in.changing.Lock()
	defer in.changing.Unlock()
	if in.draining.Load() {
		return errEnding
	}
	cfg, err := config.Parse(data, proxy.Catalog())
	if err != nil {
		return err
	}
	candidate, err := in.proxy.Prepare(cfg)
	if err != nil {
		return config.Place(data, err)
	}
	if err := candidate.Generation().RunTests(); err != nil {
		candidate.Discard()
		return config.Place(data, err)
	}
	sockets, err := in.server.Prepare(context.Background(), cfg.Listeners, cfg.Limits)
	access, accessErr := in.prepareAccess(cfg.Log.Access)
	door, doorErr := in.prepareDoor(cfg)
	if err := errors.Join(placeListeners(err), accessErr, doorErr); err != nil {
		candidate.Discard()
		if sockets != nil {
			sockets.Discard()
		}
		in.discardAccess(access)
		if door != nil && door != in.door {
			_ = door.socket.Close()
		}
		return &openError{config.Place(data, err)}
	}
	// The level was checked with the rest of the config.
	_ = in.log.SetLevel(cfg.Log.Level)
	in.fitDescriptors(cfg)
	in.swapAccess(access)
	in.swapTracer(in.tracer(cfg.Tracing))
	in.inherit(candidate)
	candidate.Commit()
	sockets.Commit()
	in.swapDoor(door)
	in.cfg = cfg
	return nil
}

// placeListeners tells for each listener that cannot be opened where it stands.
func placeListeners(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		var l *server.ListenError
		if errors.As(e, &l) {
			e = &config.PathError{Path: fmt.Sprintf("listeners[%d].address", l.Index), Err: l}
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// prepareDoor opens the admin address the config wants, if it is another.
func (in *instance) prepareDoor(cfg *config.Config) (*door, error) {
	address := cfg.Admin.Address
	if address == "" {
		return nil, nil
	}
	if file := cfg.Admin.TokenFile; file != "" {
		if _, err := admin.ReadToken(file); err != nil {
			return nil, &config.PathError{Path: "admin.token_file", Err: err}
		}
	}
	if in.door != nil && in.door.address == address {
		return in.door, nil
	}
	socket, err := in.listen(context.Background(), adminSocket, address)
	if err != nil {
		return nil, &config.PathError{Path: "admin.address", Err: fmt.Errorf("cannot listen on %s: %w", address, err)}
	}
	return &door{address: address, socket: socket}, nil
}

func (in *instance) swapDoor(d *door) {
	old := in.door
	if d == old {
		return
	}
	in.door = d
	if d != nil {
		d.admin = admin.New(admin.Options{
			Proxy: in.proxy, Metrics: in.metrics, Log: in.log, Version: version(),
			Reload: in.watcher.Reload, DryRun: in.dryRun, Status: in.watcher.Last, Ready: in.ready,
			Force: in.watcher.Force, Guard: in.guard.status,
			Started: in.started, Connections: in.server.Open, Journal: &in.journal,
			Upgrade: func() (admin.Upgraded, error) { return in.upgrade("request") },
		})
		go func() {
			if err := d.admin.Serve(d.socket); err != nil {
				in.log.Error().Err(err).Msg("the admin interface has ended")
			}
		}()
	}
	if old != nil {
		// Not waited for: the reload may have been asked for through it.
		go old.close()
	}
}

func (d *door) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = d.admin.Close(ctx)
}

// ready tells what is asked of the address rather than of the process: while a
// new one serves there, traffic should come.
func (in *instance) ready() (bool, string) {
	if in.draining.Load() && !in.upgrades.left.Load() {
		return false, "draining"
	}
	return true, ""
}

// told counts and logs how a look at the config file ended, where nothing was
// applied or refused: those are told by apply.
func (in *instance) told(o hotreload.Outcome) {
	switch o.Result {
	case hotreload.Unchanged:
		in.guard.fileAgrees()
		in.metrics.Reloaded(telemetry.ReloadUnchanged, o.At)
		in.log.Info().Str("cause", o.Cause).Msg("config unchanged")
	case hotreload.Unreadable:
		in.metrics.Reloaded(telemetry.ReloadRefused, o.At)
	case hotreload.Refused:
		in.tellTakenBack(o)
	}
	in.note(o)
}

// edit is what the last reload was about, as the journal tells it.
type edit struct {
	changes *proxy.Changes // nil where nothing came into force
	src     []byte
}

// note writes an outcome into the journal that the admin interface shows.
func (in *instance) note(o hotreload.Outcome) {
	e := in.edit
	in.edit = edit{}
	if o.Result != hotreload.Refused {
		e.src = nil // nothing is wrong with it
	}
	number := uint64(0)
	if g := in.proxy.Generation(); g != nil {
		number = g.Number
	}
	in.journal.Note(o, number, e.changes, e.src)
}

// hangUp is what SIGHUP asks for: the config is read again, and log files opened
// anew after a rotation.
func (in *instance) hangUp() {
	in.watcher.Reload(context.Background(), "signal")
	in.reopenLog()
}
