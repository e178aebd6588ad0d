package admin

import (
	"context"
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/hotreload"
)

// outcome is a [hotreload.Outcome] as it is told.
type outcome struct {
	At     time.Time        `json:"at"`
	Cause  string           `json:"cause"`
	Result hotreload.Result `json:"result"`
	TookMS float64          `json:"took_ms"`
	Sum    string           `json:"sum,omitempty"` // of the content, shortened
	Error  string           `json:"error,omitempty"`
	// Problems are the error's, where the content is at fault.
	Problems config.Problems `json:"problems,omitempty"`
}

// newOutcome returns nil where there was no reload.
func newOutcome(o hotreload.Outcome) *outcome {
	if o.Result == "" && o.Err == nil {
		return nil
	}
	out := &outcome{
		At: o.At, Cause: o.Cause, Result: o.Result,
		TookMS: float64(o.Took.Microseconds()) / 1000, Sum: o.Sum,
	}
	if o.Err != nil {
		out.Error = o.Err.Error()
		errors.As(o.Err, &out.Problems)
	}
	return out
}

func (a *Admin) reloadStatus(ctx *fasthttp.RequestCtx) {
	type counts struct {
		Applied    uint64 `json:"applied"`
		Unchanged  uint64 `json:"unchanged"`
		Refused    uint64 `json:"refused"`
		Unreadable uint64 `json:"unreadable"`
	}
	s := a.opts.Status()
	reply(ctx, fasthttp.StatusOK, struct {
		Generation uint64   `json:"generation"`
		InForce    *outcome `json:"in_force"`
		Last       *outcome `json:"last"`
		Counts     counts   `json:"counts"`
	}{a.number(), newOutcome(s.InForce), newOutcome(s.Last), counts{s.Applied, s.Unchanged, s.Refused, s.Unreadable}})
}

// number is that of the generation in force, 0 before the first.
func (a *Admin) number() uint64 {
	if g := a.opts.Proxy.Generation(); g != nil {
		return g.Number
	}
	return 0
}

// reloadStatuses says what each result is answered with; one that is not here,
// because the reload took too long or the process is ending, with 503.
var reloadStatuses = map[hotreload.Result]int{
	hotreload.Applied:    fasthttp.StatusOK,
	hotreload.Unchanged:  fasthttp.StatusOK,
	hotreload.Refused:    fasthttp.StatusUnprocessableEntity,
	hotreload.Unreadable: fasthttp.StatusServiceUnavailable,
}

func (a *Admin) reload(ctx *fasthttp.RequestCtx) {
	wait, cancel := context.WithTimeout(context.Background(), reloadTimeout)
	defer cancel()
	o := a.opts.Reload(wait, "request")
	status, ok := reloadStatuses[o.Result]
	if !ok {
		status = fasthttp.StatusServiceUnavailable
	}
	reply(ctx, status, struct {
		Generation uint64 `json:"generation"`
		*outcome
	}{a.number(), newOutcome(o)})
}
