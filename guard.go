package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/hotreload"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

// causeGuard is the cause of a reload that takes another one back.
const causeGuard = "guard"

// How often the guard looks at the counters: so many times in a window, and in a
// trial at least once in trialPause.
const (
	guardLooks = 10
	trialPause = time.Second
)

// guard takes back a reload after which requests fail. It reads what the metrics
// count, at intervals, and so costs requests nothing.
type guard struct {
	in      *instance
	changed chan struct{} // what is in force changed

	mu    sync.Mutex
	rules *config.Guard   // of what is in force; nil turns the guard off
	good  content         // what proved good last
	trial *trial          // of what is in force; nil once that has proved good
	past  []counts        // of good, a look each, oldest first
	last  counts          // the counters at the last look
	taken *admin.Reverted // while what came back is in force
	// taking is what is being taken back, to be taken if that succeeds.
	taking *admin.Reverted
}

// content is one content of the config file.
type content struct {
	data []byte
	sum  string
	cfg  *config.Config
}

// trial is the time in which a content may be taken back.
type trial struct {
	content
	ends time.Time
	seen counts
}

// counts are requests by the name of the route.
type counts map[string]telemetry.Totals

func (c counts) add(more counts) {
	for name, t := range more {
		sum := c[name]
		c[name] = telemetry.Totals{Requests: sum.Requests + t.Requests, Failed: sum.Failed + t.Failed}
	}
}

func newGuard(in *instance) *guard { return &guard{in: in, changed: make(chan struct{}, 1)} }

// swapped says that a content came into force. It is called by the watcher's
// goroutine.
func (g *guard) swapped(c hotreload.Change, cfg *config.Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, now := g.rules, time.Now()
	g.account()
	g.rules = cfg.Guard
	// One put there by force is not to be taken back, and of one that turns the
	// guard on it is not known how requests fared before.
	trusted := c.Forced || before == nil || cfg.Guard == nil
	switch {
	case c.Cause == causeGuard:
		g.trial, g.taken = nil, g.taking
	case trusted:
		g.good, g.trial, g.past, g.taken = content{c.Data, c.Sum, cfg}, nil, nil, nil
		g.account()
	default:
		g.trial = &trial{content: content{c.Data, c.Sum, cfg}, ends: now.Add(cfg.Guard.Window.D()), seen: counts{}}
		g.taken = nil
	}
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// account adds what was counted since the last look to the trial, or to what is
// known of the good content. It needs the lock.
func (g *guard) account() {
	if g.rules == nil {
		g.last = nil
		return
	}
	now, delta := counts(g.in.metrics.RouteTotals()), counts{}
	for name, t := range now {
		last := g.last[name]
		if t.Requests < last.Requests || t.Failed < last.Failed {
			last = telemetry.Totals{} // the route was gone, and its counters began anew
		}
		if t.Requests > last.Requests {
			delta[name] = telemetry.Totals{Requests: t.Requests - last.Requests, Failed: t.Failed - last.Failed}
		}
	}
	first := g.last == nil
	g.last = now
	switch {
	case first: // what was counted before the guard was on is of no known time
	case g.trial != nil:
		g.trial.seen.add(delta)
	default:
		g.past = append(g.past, delta)
		g.past = g.past[max(0, len(g.past)-guardLooks):]
	}
}

// run looks at the counters until ctx ends.
func (g *guard) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if pause := g.pause(); pause == 0 {
			timer.Stop()
		} else {
			timer.Reset(pause)
		}
		select {
		case <-ctx.Done():
			return
		case <-g.changed:
		case <-timer.C:
			if bad, found := g.look(time.Now()); bad != nil {
				g.takeBack(ctx, bad, found)
			}
		}
	}
}

// pause is the time to the next look, 0 for none.
func (g *guard) pause() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.rules == nil:
		return 0
	case g.trial != nil:
		return min(g.rules.Window.D()/guardLooks, trialPause)
	}
	return g.rules.Window.D() / guardLooks
}

// look returns the trial that has failed, if it has, and by which routes.
func (g *guard) look(now time.Time) (*trial, []admin.GuardRoute) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.account()
	t := g.trial
	if t == nil {
		return nil, nil
	}
	before := counts{}
	for _, c := range g.past {
		before.add(c)
	}
	if found := judge(g.rules, before, t.seen); len(found) > 0 {
		return t, found
	}
	if now.After(t.ends) {
		g.good, g.past, g.trial = t.content, []counts{t.seen}, nil
		g.in.log.Info().Str("sum", t.sum).Msg("config stays: requests do not fail more than before")
	}
	return nil, nil
}

// judge returns the routes whose share of failed requests has risen too much, the
// worst first.
func judge(rules *config.Guard, before, after counts) []admin.GuardRoute {
	var all telemetry.Totals
	for _, t := range before {
		all.Requests, all.Failed = all.Requests+t.Requests, all.Failed+t.Failed
	}
	var found []admin.GuardRoute
	for name, t := range after {
		was := before[name]
		if was.Requests == 0 {
			was = all
		}
		if t.Requests >= uint64(rules.MinRequests) && t.Share()-was.Share() > rules.MaxRise {
			found = append(found, admin.GuardRoute{
				Route: name, Requests: t.Requests, Failed: t.Failed, Share: t.Share(), ShareBefore: was.Share(),
			})
		}
	}
	slices.SortFunc(found, func(a, b admin.GuardRoute) int {
		return cmp.Or(cmp.Compare(b.Share-b.ShareBefore, a.Share-a.ShareBefore), cmp.Compare(a.Route, b.Route))
	})
	return found
}

// takeBack puts the last good content in force in place of a trial's.
func (g *guard) takeBack(ctx context.Context, bad *trial, found []admin.GuardRoute) {
	worst := &found[0]
	why := fmt.Errorf("%d of %d requests of route %q failed, a share of %.3f after %.3f before; edit the file, or POST /reload?force=1",
		worst.Failed, worst.Requests, worst.Route, worst.Share, worst.ShareBefore)
	g.mu.Lock()
	good := g.good
	changes := proxy.Diff(good.cfg, bad.cfg)
	g.taking = &admin.Reverted{At: time.Now(), Sum: bad.sum, Why: why.Error(), Routes: found, Changes: changes}
	g.mu.Unlock()
	o := g.in.watcher.Revert(ctx, bad.sum, good.data, causeGuard, why)
	event := g.in.log.Error().Str("route", worst.Route).Float64("failed_share", worst.Share).
		Float64("failed_share_before", worst.ShareBefore).Uint64("failed", worst.Failed).Uint64("requests", worst.Requests).
		Int("routes", len(found)).Str("changed", changes.Summary())
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case o.Result == hotreload.Reverted:
		event.Str("taken_back", bad.sum).Str("in_force", o.Sum).Uint64("generation", g.in.proxy.Generation().Number).
			Msg("config taken back: requests failed after the reload; the last good config is in force again, the file is left as it is")
	case o.Result == hotreload.Refused:
		g.good, g.past, g.trial = bad.content, []counts{bad.seen}, nil
		event.Str("in_force", bad.sum).Err(o.Err).
			Msg("cannot take the config back: requests fail after the reload, but the last good config cannot be put in force")
	}
	// Else another edit was quicker, and is on trial itself, or the process ends.
}

// fileAgrees says that the file has what is in force.
func (g *guard) fileAgrees() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken = nil
}

// status tells /reload; nil where the guard is off.
func (g *guard) status() *admin.Guard {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.rules == nil && g.taken == nil:
		return nil
	case g.trial != nil:
		ends := g.trial.ends
		return &admin.Guard{State: "trial", TrialEnds: &ends}
	case g.taken != nil:
		return &admin.Guard{State: "reverted", Reverted: g.taken}
	}
	return &admin.Guard{State: "good"}
}

// tellTakenBack counts and logs that content was refused because it was taken
// back before.
func (in *instance) tellTakenBack(o hotreload.Outcome) {
	var back *hotreload.TakenBackError
	if errors.As(o.Err, &back) {
		in.metrics.Reloaded(telemetry.ReloadRefused, o.At)
		in.log.Error().Str("cause", o.Cause).Str("problems", o.Err.Error()).
			Msg("config refused; the generation before stays in force")
	}
}
