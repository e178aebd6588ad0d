package admin

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

func (a *Admin) drain(ctx *fasthttp.RequestCtx)   { a.setDrained(ctx, true) }
func (a *Admin) undrain(ctx *fasthttp.RequestCtx) { a.setDrained(ctx, false) }

// setDrained drains a target, or ends that. To ask for what is so already
// changes nothing.
func (a *Admin) setDrained(ctx *fasthttp.RequestCtx, on bool) {
	g := a.generation(ctx)
	if g == nil {
		return
	}
	pool, address, err := readTarget(string(ctx.URI().PathOriginal()))
	if err == nil && len(ctx.Request.Body()) > 0 {
		err = fmt.Errorf("a body means nothing here")
	}
	if err == nil && ctx.QueryArgs().Len() > 0 {
		err = fmt.Errorf("a query means nothing here")
	}
	if err != nil {
		refuse(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	target := g.Target(pool, address)
	if target == nil {
		why := fmt.Sprintf("upstream %q has no target %q", pool, address)
		if g.Pools()[pool] == nil {
			why = fmt.Sprintf("there is no upstream %q", pool)
		}
		refuse(ctx, fasthttp.StatusNotFound, why)
		return
	}
	changed := target.Drain(on)
	_, since := target.Drained()
	reply(ctx, fasthttp.StatusOK, struct {
		Upstream string    `json:"upstream"`
		Target   string    `json:"target"`
		Drained  bool      `json:"drained"`
		Since    time.Time `json:"since,omitzero"`
		Changed  bool      `json:"changed"`
		InFlight int64     `json:"in_flight"`
	}{pool, address, on, since, changed, target.Node.InFlight()})
}

// readTarget reads /upstreams/NAME/targets/ADDRESS/drain, as it came. An
// address may hold slashes as they are; a name has them escaped.
func readTarget(path string) (pool, address string, err error) {
	rest, ok := strings.CutPrefix(path, "/upstreams/")
	if ok {
		rest, ok = strings.CutSuffix(rest, "/drain")
	}
	if ok {
		pool, address, ok = strings.Cut(rest, "/targets/")
	}
	if !ok {
		return "", "", fmt.Errorf("the path is not /upstreams/NAME/targets/ADDRESS/drain")
	}
	if pool, err = url.PathUnescape(pool); err == nil {
		address, err = url.PathUnescape(address)
	}
	return pool, address, err
}
