package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/middleware"
	"github.com/sluiceproxy/sluice/router"
	"github.com/sluiceproxy/sluice/telemetry"
	"github.com/sluiceproxy/sluice/upstream"
)

// Catalog is what this build offers to the config.
func Catalog() config.Catalog {
	return config.Catalog{Policies: lb.Policies(), Middlewares: middleware.Types()}
}

// Generation is everything one version of the config compiles to. It is not
// changed once made. A request holds one from its start to its end.
type Generation struct {
	// Number counts generations from the start of the process.
	Number uint64
	// Config is what it was compiled from.
	Config *config.Config

	table   *router.Table
	routes  []route // by index of the rule
	chains  map[string]middleware.Middleware
	pools   map[string]*upstream.Pool
	trusted []netip.Prefix
	scope   *telemetry.Scope
	tunnels *atomic.Int64 // open ones, of all generations
}

// route is one route at work.
type route struct {
	def     *config.Route
	rule    *router.Route
	handler fasthttp.RequestHandler
	metrics *telemetry.RouteMetrics
	// forward is nil for a route that answers by itself.
	forward *forwarder
	bare    bool // no middleware stands before forward
}

// Table is the routing table, for those who explain it.
func (g *Generation) Table() *router.Table { return g.table }

// Pools returns the upstreams by name. The map is not to be changed.
func (g *Generation) Pools() map[string]*upstream.Pool { return g.pools }

// State returns what has been learned of the upstreams so far, by name; see
// [Candidate.Inherit].
func (g *Generation) State() map[string]upstream.PoolState {
	all := make(map[string]upstream.PoolState, len(g.pools))
	for name, pool := range g.pools {
		all[name] = pool.State()
	}
	return all
}

// Target returns a target of an upstream by its address, nil if there is none.
func (g *Generation) Target(pool, address string) *upstream.Target {
	p := g.pools[pool]
	if p == nil {
		return nil
	}
	for _, t := range p.Targets {
		if t.Address == address {
			return t
		}
	}
	return nil
}

// compile makes the generation of cfg. What prev has that did not change is taken
// over; prev may be nil. Nothing is dialled or started. The error joins all
// problems, each a [config.PathError]; see [config.Place].
func (p *Proxy) compile(cfg *config.Config, prev *Generation) (*Generation, error) {
	g := &Generation{
		Number:  1,
		Config:  cfg,
		pools:   make(map[string]*upstream.Pool, len(cfg.Upstreams)),
		trusted: cfg.TrustedProxies,
		scope:   p.metrics.Scope(),
		tunnels: &p.tunnels,
	}
	var before map[string]*upstream.Pool
	var table *router.Table
	if prev != nil {
		g.Number, before, table = prev.Number+1, prev.pools, prev.table
	}
	var errs []error
	for name, def := range cfg.Upstreams {
		pool, err := upstream.NewPool(name, def, before[name], upstream.Options{
			Observe: g.observer, Event: p.opts.Event, Dialling: p.opts.Dialling,
		})
		if err != nil {
			errs = append(errs, &config.PathError{Path: config.Path("upstreams", name), Err: err})
			continue
		}
		g.pools[name] = pool
	}
	var err error
	g.chains, err = buildMiddlewares(cfg)
	errs = append(errs, err, g.compileRoutes(cfg, table))
	if err := errors.Join(errs...); err != nil {
		g.scope.Close()
		return nil, err
	}
	return g, nil
}

func (g *Generation) observer(pool, target string) upstream.Observer {
	return g.scope.Target(pool, target)
}

func buildMiddlewares(cfg *config.Config) (map[string]middleware.Middleware, error) {
	var errs []error
	built := make(map[string]middleware.Middleware, len(cfg.Middlewares))
	for name, def := range cfg.Middlewares {
		m, err := middleware.Build(def)
		if err != nil {
			errs = append(errs, &config.PathError{Path: config.Path("middlewares", name), Err: err})
			continue
		}
		built[name] = m
	}
	return built, errors.Join(errs...)
}

func (g *Generation) compileRoutes(cfg *config.Config, before *router.Table) error {
	rules := make([]router.Rule, len(cfg.Routes))
	g.routes = make([]route, len(cfg.Routes))
	forwarders := map[string]*forwarder{}
	for i := range cfg.Routes {
		def := &cfg.Routes[i]
		rt := &g.routes[i]
		rt.def, rt.metrics = def, g.scope.Route(def.Name)
		rt.handler = g.wrap(def, g.innermost(rt, forwarders))
		rules[i] = router.Rule{
			Name: def.Name, Hosts: def.Hosts, Path: def.Path, Methods: def.Methods,
			Headers: def.Headers, Query: def.Query, Cookies: def.Cookies, Handler: rt.handler,
		}
	}
	table, err := router.CompileAfter(before, rules)
	if err != nil {
		return placeRules(err)
	}
	g.table = table
	for _, rule := range table.Routes() {
		g.routes[rule.Index].rule = rule
	}
	return nil
}

// wrap puts the middlewares of a route around its innermost handler.
func (g *Generation) wrap(def *config.Route, handler fasthttp.RequestHandler) fasthttp.RequestHandler {
	for i := len(def.Middlewares) - 1; i >= 0; i-- {
		if m := g.chains[def.Middlewares[i]]; m != nil {
			handler = m(handler)
		}
	}
	return handler
}

// innermost returns the handler that middlewares are wrapped around.
func (g *Generation) innermost(rt *route, forwarders map[string]*forwarder) fasthttp.RequestHandler {
	switch name := rt.def.Upstream; {
	case name != "":
		f := forwarders[name]
		if f == nil && g.pools[name] != nil {
			f = newForwarder(g.pools[name], g.scope.Upstream(name))
			f.handler = f.handle
			forwarders[name] = f
		}
		if f == nil {
			return nil // the pool's own problem is told
		}
		rt.forward, rt.bare = f, len(rt.def.Middlewares) == 0
		return f.handler
	case rt.def.Respond != nil:
		return newResponder(rt.def.Respond).serve
	}
	// Parsing made sure that one of the middlewares answers; if none did, so to
	// say because it was asked for nothing, there is nothing here.
	return func(ctx *fasthttp.RequestCtx) { of(ctx).Response.Answer(fasthttp.StatusNotFound, "", nil) }
}

// placeRules gives each problem of the routing table its place in the config.
func placeRules(err error) error {
	var all *router.RulesError
	if !errors.As(err, &all) {
		return err
	}
	var errs []error
	for i := range all.Problems {
		p := &all.Problems[i]
		errs = append(errs, &config.PathError{Path: fmt.Sprintf("routes[%d].%s", p.Rule, p.Field), Err: p.Err})
	}
	for i := range all.Conflicts {
		c := &all.Conflicts[i]
		errs = append(errs, &config.PathError{Path: fmt.Sprintf("routes[%d]", c.Rules[1]), Err: c})
	}
	return errors.Join(errs...)
}

// start makes the pools look after the health of their targets.
func (g *Generation) start() {
	for _, pool := range g.pools {
		pool.Start()
	}
}

// retire ends what g has and next, which was started, has not: checks at once,
// idle connections are closed, those in use when their exchange ends.
func (g *Generation) retire(next *Generation) {
	kept := map[*upstream.Target]bool{}
	for _, pool := range next.pools {
		for _, t := range pool.Targets {
			kept[t] = true
		}
	}
	for name, pool := range g.pools {
		if next.pools[name] == nil {
			pool.Stop()
		}
		for _, t := range pool.Targets {
			if !kept[t] {
				t.Retire()
			}
		}
	}
	g.scope.Close()
}
