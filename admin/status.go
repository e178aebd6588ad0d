package admin

import (
	"cmp"
	"runtime"
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/proxy"
)

// Bounds of what /status lists.
const (
	maxRoutes    = 200
	maxUpstreams = 200
	sparkSamples = 30 // of the rates that come with each row
)

// traffic is how much something is asked now, over the last seconds.
type traffic struct {
	Requests     uint64 `json:"requests"` // since the start
	Errors       uint64 `json:"errors"`
	PerSecond    figure `json:"per_second"`
	ClientErrors figure `json:"client_errors_per_second"`
	ErrorRate    figure `json:"errors_per_second"`
	P50          figure `json:"p50_ms"`
	P99          figure `json:"p99_ms"`
	// Recent are requests a second of the last minute, oldest first.
	Recent []figure `json:"recent,omitempty"`
}

// trafficOf returns the figures of a series, which may be nil.
func trafficOf(s *series) traffic {
	total := s.total()
	t := traffic{Requests: total.requests, Errors: total.errors, P50: none, P99: none}
	if p, ok := s.now(); ok {
		t.PerSecond, t.ClientErrors, t.ErrorRate, t.P50, t.P99 = p.requests, p.clientErrors, p.errors, p.p50, p.p99
	}
	if s != nil {
		for _, p := range s.points[max(0, len(s.points)-sparkSamples):] {
			t.Recent = append(t.Recent, p.requests)
		}
	}
	return t
}

type routeRow struct {
	proxy.RouteStatus
	Traffic traffic `json:"traffic"`
}

type upstreamRow struct {
	proxy.UpstreamStatus
	Targets []targetRow `json:"targets"` // in place of those of UpstreamStatus
	Traffic traffic     `json:"traffic"`
}

type targetRow struct {
	proxy.TargetStatus
	PerSecond figure `json:"per_second"` // attempts
	Failed    figure `json:"failed_per_second"`
	// Traffic is the part of the upstream's attempts that goes to the target, from
	// 0 to 1.
	Traffic figure `json:"traffic"`
}

// failureCount is how many requests have failed for one reason.
type failureCount struct {
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// status is all that changes from second to second.
type status struct {
	Now     time.Time `json:"now"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Go      string    `json:"go"`
	Ready   bool      `json:"ready"`
	Why     string    `json:"why,omitempty"` // not ready
	// Changes says whether changes are taken from who asks: allowed, token (if
	// it is sent), or no.
	Changes    trust    `json:"changes"`
	LogLevel   string   `json:"log_level"`
	Generation uint64   `json:"generation"`
	InForce    *outcome `json:"in_force"`
	Last       *outcome `json:"last"`
	Reloads    uint64   `json:"reloads"` // how many /reloads has noted
	Guard      *Guard   `json:"guard,omitempty"`

	Connections int64 `json:"connections"`
	InFlight    int64 `json:"in_flight"`
	Tunnels     int64 `json:"tunnels"`

	Sample    uint64  `json:"sample"` // of /history, the last
	Traffic   traffic `json:"traffic"`
	Unmatched traffic `json:"unmatched"` // no route took them
	// Failures are since the start, the most frequent first.
	Failures         []failureCount `json:"failures"`
	Routes           []routeRow     `json:"routes"`
	RoutesOmitted    int            `json:"routes_omitted,omitempty"`
	Upstreams        []upstreamRow  `json:"upstreams"`
	UpstreamsOmitted int            `json:"upstreams_omitted,omitempty"`
}

func (a *Admin) status(ctx *fasthttp.RequestCtx) {
	ready, why := a.ready()
	reloads := a.opts.Status()
	g := a.gauges()
	s := &status{
		Now: time.Now(), Started: a.opts.Started, Version: a.opts.Version, Go: runtime.Version(),
		Ready: ready, Why: why, Changes: a.trust(ctx), LogLevel: a.opts.Log.LevelName(),
		Generation: a.number(), InForce: newOutcome(reloads.InForce), Last: newOutcome(reloads.Last),
		Connections: g.connections, InFlight: g.inFlight, Tunnels: g.tunnels,
		Failures: failuresOf(a.opts.Metrics.Failures()),
	}
	if a.opts.Journal != nil {
		s.Reloads = a.opts.Journal.count()
	}
	if a.opts.Guard != nil {
		s.Guard = a.opts.Guard()
	}
	a.history.mu.Lock()
	s.Sample = a.history.number
	s.Traffic, s.Unmatched = trafficOf(&a.history.all), trafficOf(a.history.routes.series[""])
	s.Routes, s.RoutesOmitted = a.routeRows()
	s.Upstreams, s.UpstreamsOmitted = a.upstreamRows()
	a.history.mu.Unlock()
	reply(ctx, fasthttp.StatusOK, s)
}

// gauges reads off what each sample holds.
func (a *Admin) gauges() gauges {
	g := gauges{inFlight: a.opts.Proxy.InFlight(), tunnels: a.opts.Proxy.Tunnels()}
	if a.opts.Connections != nil {
		g.connections = a.opts.Connections()
	}
	return g
}

func failuresOf(sums map[string]uint64) []failureCount {
	list := make([]failureCount, 0, len(sums))
	for reason, n := range sums {
		list = append(list, failureCount{reason, n})
	}
	slices.SortFunc(list, func(a, b failureCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// routeRows returns the routes in matching order; where there are too many, those
// that are asked most now. The history is locked.
func (a *Admin) routeRows() (rows []routeRow, omitted int) {
	rows = []routeRow{}
	g := a.opts.Proxy.Generation()
	if g == nil {
		return rows, 0
	}
	if a.listed == nil || a.listed.generation != g {
		a.listed = &listedRoutes{g, g.RouteList()}
	}
	list := a.listed.routes
	chosen := make([]int, len(list))
	for i := range chosen {
		chosen[i] = i
	}
	if len(list) > maxRoutes {
		rates := make([]figure, len(list))
		for i := range list {
			if p, ok := a.history.routes.series[list[i].Name].now(); ok {
				rates[i] = p.requests
			}
		}
		slices.SortStableFunc(chosen, func(i, j int) int { return cmp.Compare(rates[j], rates[i]) })
		chosen = chosen[:maxRoutes]
		slices.Sort(chosen)
	}
	for _, i := range chosen {
		rows = append(rows, routeRow{list[i], trafficOf(a.history.routes.series[list[i].Name])})
	}
	return rows, len(list) - len(rows)
}

// listedRoutes spares listing the routes of a generation every second.
type listedRoutes struct {
	generation *proxy.Generation
	routes     []proxy.RouteStatus
}

// upstreamRows returns the upstreams by name; where there are too many, those in
// trouble first and then those that are asked most now. The history is locked.
func (a *Admin) upstreamRows() (rows []upstreamRow, omitted int) {
	rows = []upstreamRow{}
	g := a.opts.Proxy.Generation()
	if g == nil {
		return rows, 0
	}
	list := g.UpstreamList()
	if len(list) > maxUpstreams {
		urgency := func(u *proxy.UpstreamStatus) figure {
			p, _ := a.history.upstreams.series[u.Name].now()
			if u.FailingOpen || slices.ContainsFunc(u.Targets, func(t proxy.TargetStatus) bool { return !t.Usable }) {
				return p.requests + 1e12
			}
			return p.requests
		}
		slices.SortStableFunc(list, func(x, y proxy.UpstreamStatus) int { return cmp.Compare(urgency(&y), urgency(&x)) })
		omitted = len(list) - maxUpstreams
		list = list[:maxUpstreams]
		slices.SortFunc(list, func(x, y proxy.UpstreamStatus) int { return cmp.Compare(x.Name, y.Name) })
	}
	for _, u := range list {
		row := upstreamRow{UpstreamStatus: u, Traffic: trafficOf(a.history.upstreams.series[u.Name])}
		sum := figure(0)
		for _, t := range u.Targets {
			p, _ := a.history.targets.series[targetKey(u.Name, t.Address)].now()
			row.Targets = append(row.Targets, targetRow{TargetStatus: t, PerSecond: p.requests, Failed: p.errors})
			sum += p.requests
		}
		for i := range row.Targets {
			if t := &row.Targets[i]; sum > 0 {
				t.Traffic = t.PerSecond / sum
			}
		}
		rows = append(rows, row)
	}
	return rows, omitted
}
