// Package upstream is where requests go: named groups of targets, the
// connections to them, and the sending of one request over one connection. It
// does not know routes, nor what is done when a request fails.
package upstream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/lb"
)

// Pool is one upstream at work: its targets and the picker over them. It is not
// changed once made; a reload makes another and takes over what stays. It may be
// used from any goroutine.
type Pool struct {
	Name    string
	Targets []*Target
	// Retry says when a request is sent again, and Budget how often.
	Retry  config.Retry
	Budget *Budget
	// Timeouts of the definition.
	Connect, ResponseHeader, Idle, Request time.Duration

	def    config.Upstream
	picker lb.Picker
	byNode map[*lb.Node]*Target

	monitor   *monitor
	gate      *gate
	probe     *probe // nil without active checks
	failing   *statusRules
	slowStart time.Duration
}

// Options are what pools need from outside. A field left out has a default.
type Options struct {
	// Lookup resolves names of targets; by default the system's resolver.
	Lookup Lookup
	// Observe returns who is told what becomes of a target's connections. It is
	// asked for every target of a pool; of one that is taken over, who was told
	// before still is.
	Observe func(pool, target string) Observer
	// Event is told of changes of health, one at a time and in order. It may
	// look at pools, but must not start or stop one.
	Event func(Event)
	// Dialling is called before each attempt to connect to a target. It must not
	// block.
	Dialling func()
}

// Observer is told what becomes of the connections to one target. It is called
// from many goroutines and must not block.
type Observer interface {
	// Connected says that a connection was established, or could not be.
	Connected(ok bool)
	// Stale says that a pooled connection turned out to be dead.
	Stale()
	// Attempted says that a request sent to the target has ended: OK if it
	// answered, whatever it said. reused tells a pooled connection from a new one.
	Attempted(reason exchange.Reason, reused bool)
}

type noObserver struct{}

func (noObserver) Connected(bool)                  {}
func (noObserver) Stale()                          {}
func (noObserver) Attempted(exchange.Reason, bool) {}

func (o *Options) setDefaults() {
	if o.Lookup == nil {
		o.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if o.Observe == nil {
		o.Observe = func(string, string) Observer { return noObserver{} }
	}
	if o.Event == nil {
		o.Event = func(Event) {}
	}
	if o.Dialling == nil {
		o.Dialling = func() {}
	}
}

// NewPool makes the pool of a definition. prev is the pool of the same name
// before, or nil: it is returned itself if the definition has not changed, and
// else the targets whose connections would be made alike are taken over, and what
// is known of the health of others with the same address. Nothing is dialled or
// started; see [Pool.Start].
func NewPool(name string, def config.Upstream, prev *Pool, opts Options) (*Pool, error) {
	opts.setDefaults()
	if prev != nil && reflect.DeepEqual(prev.def, def) {
		for _, t := range prev.Targets {
			opts.Observe(name, t.Address)
		}
		return prev, nil
	}
	p := &Pool{
		Name:           name,
		Connect:        def.Timeouts.Connect.D(),
		ResponseHeader: def.Timeouts.ResponseHeader.D(),
		Idle:           def.Timeouts.Idle.D(),
		Request:        def.Timeouts.Request.D(),
		Retry:          def.Retry,
		Budget:         newBudget(def.Retry.Budget),
		def:            def,
		byNode:         make(map[*lb.Node]*Target, len(def.Targets)),
		slowStart:      def.SlowStart.D(),
	}
	if prev != nil && prev.Retry.Budget == def.Retry.Budget {
		p.Budget = prev.Budget
	}
	if err := p.prepareHealth(prev, opts.Event); err != nil {
		return nil, fmt.Errorf("upstream %q: %w", name, err)
	}
	old := prev.byAddress()
	members := make([]lb.Member, len(def.Targets))
	for i, td := range def.Targets {
		t := p.takeOver(old[td.Address], prev)
		if t == nil {
			t = newTarget(td.Address, &p.def, old[td.Address], &opts)
			if t.health == nil {
				t.health = &record{m: p.monitor, node: t.Node}
			}
			t.observer = opts.Observe(name, td.Address)
		}
		opts.Observe(name, td.Address)
		p.Targets = append(p.Targets, t)
		p.byNode[t.Node] = t
		members[i] = lb.Member{Node: t.Node, Weight: td.Weight, Backup: td.Backup}
	}
	opt := lb.Options{}
	if def.Hash != nil {
		opt.BoundedLoad = def.Hash.BoundedLoad
	}
	picker, err := lb.New(def.Balance, members, opt)
	if err != nil {
		return nil, fmt.Errorf("upstream %q: %w", name, err)
	}
	p.picker = picker
	return p, nil
}

func (p *Pool) byAddress() map[string]*Target {
	m := map[string]*Target{}
	if p != nil {
		for _, t := range p.Targets {
			m[t.Address] = t
		}
	}
	return m
}

// takeOver returns the old target if its connections would be made and kept just
// as this definition says, and else nil.
func (p *Pool) takeOver(old *Target, prev *Pool) *Target {
	if old == nil || !SameConnections(&prev.def, &p.def) {
		return nil
	}
	return old
}

// SameConnections reports whether targets that stay keep their connections when
// an upstream's definition changes from a to b.
func SameConnections(a, b *config.Upstream) bool {
	return a.Connections == b.Connections && a.Timeouts.Connect == b.Timeouts.Connect
}

// Definition returns what the config says of the pool.
func (p *Pool) Definition() *config.Upstream { return &p.def }

// Pick chooses a target for a request, none of those tried before; nil if there
// is none. key matters to consistent_hash only. A picked target is charged by
// Node.Start and discharged by Node.Done.
func (p *Pool) Pick(key uint64, now int64, tried *lb.Tried) *Target {
	node := p.picker.Pick(lb.Request{Key: key, Now: now, Tried: tried})
	if node == nil {
		return nil
	}
	return p.byNode[node]
}
