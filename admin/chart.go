package admin

import (
	"fmt"
	"strconv"

	"github.com/valyala/fasthttp"
)

// chart is the history of one thing. The lists are of equal length, oldest first;
// null stands where nothing is known.
type chart struct {
	Sample       uint64   `json:"sample"` // number of the last one
	EveryMS      int64    `json:"every_ms"`
	AtMS         []int64  `json:"at_ms"` // Unix time
	Requests     []figure `json:"requests"`
	ClientErrors []figure `json:"client_errors"`
	Errors       []figure `json:"errors"`
	P50          []figure `json:"p50_ms"`
	P99          []figure `json:"p99_ms"`
	// The others are of the process as a whole.
	Connections []int64 `json:"connections,omitempty"`
	InFlight    []int64 `json:"in_flight,omitempty"`
	Tunnels     []int64 `json:"tunnels,omitempty"`
}

func (a *Admin) chart(ctx *fasthttp.RequestCtx) {
	var since uint64
	kind, name := "", ""
	for k, v := range ctx.QueryArgs().All() {
		switch key, value := string(k), string(v); key {
		case "since":
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				refuse(ctx, fasthttp.StatusBadRequest, fmt.Sprintf("since %q is no number of a sample", value))
				return
			}
			since = n
		case "route", "upstream":
			if kind != "" {
				refuse(ctx, fasthttp.StatusBadRequest, "ask for one route or one upstream")
				return
			}
			kind, name = key, value
		default:
			refuse(ctx, fasthttp.StatusBadRequest, fmt.Sprintf("unknown parameter %q; have route, upstream, since", key))
			return
		}
	}
	reply(ctx, fasthttp.StatusOK, a.history.chart(kind, name, since))
}

// chart returns the samples after the one numbered since; kind is route, upstream
// or empty for all.
func (h *history) chart(kind, name string, since uint64) *chart {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.all
	switch kind {
	case "route":
		s = h.routes.series[name]
	case "upstream":
		s = h.upstreams.series[name]
	}
	fresh := len(h.times)
	if since < h.number && h.number-since < uint64(fresh) {
		fresh = int(h.number - since)
	} else if since == h.number {
		fresh = 0
	}
	first := len(h.times) - fresh
	c := &chart{
		Sample: h.number, EveryMS: sampleEvery.Milliseconds(), AtMS: make([]int64, 0, fresh),
		Requests: make([]figure, 0, fresh), ClientErrors: make([]figure, 0, fresh), Errors: make([]figure, 0, fresh),
		P50: make([]figure, 0, fresh), P99: make([]figure, 0, fresh),
	}
	for i := first; i < len(h.times); i++ {
		p := point{none, none, none, none, none}
		if s != nil {
			if at := i - (len(h.times) - len(s.points)); at >= 0 {
				p = s.points[at]
			}
		}
		c.AtMS = append(c.AtMS, h.times[i].UnixMilli())
		c.Requests, c.ClientErrors, c.Errors = append(c.Requests, p.requests), append(c.ClientErrors, p.clientErrors), append(c.Errors, p.errors)
		c.P50, c.P99 = append(c.P50, p.p50), append(c.P99, p.p99)
		if kind == "" {
			g := h.gauges[i]
			c.Connections, c.InFlight, c.Tunnels = append(c.Connections, g.connections), append(c.InFlight, g.inFlight), append(c.Tunnels, g.tunnels)
		}
	}
	return c
}
