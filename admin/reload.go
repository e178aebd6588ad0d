package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/hotreload"
	"github.com/sluiceproxy/sluice/proxy"
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
		Reverted   uint64 `json:"reverted"`
	}
	var guard *Guard
	if a.opts.Guard != nil {
		guard = a.opts.Guard()
	}
	s := a.opts.Status()
	reply(ctx, fasthttp.StatusOK, struct {
		Generation uint64   `json:"generation"`
		InForce    *outcome `json:"in_force"`
		Last       *outcome `json:"last"`
		Counts     counts   `json:"counts"`
		Guard      *Guard   `json:"guard,omitempty"`
	}{a.number(), newOutcome(s.InForce), newOutcome(s.Last),
		counts{s.Applied, s.Unchanged, s.Refused, s.Unreadable, s.Reverted}, guard})
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
	r, err := readReload(ctx.QueryArgs())
	switch {
	case err != nil:
		refuse(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	case r.dry:
		a.dryRun(ctx, r)
		return
	}
	reload := a.opts.Reload
	if r.force {
		reload = a.opts.Force
	}
	wait, cancel := context.WithTimeout(context.Background(), reloadTimeout)
	defer cancel()
	o := reload(wait, "request")
	status, ok := reloadStatuses[o.Result]
	if !ok {
		status = fasthttp.StatusServiceUnavailable
	}
	reply(ctx, status, struct {
		Generation uint64 `json:"generation"`
		*outcome
	}{a.number(), newOutcome(o)})
}

// reloadRequest are the parameters of POST /reload.
type reloadRequest struct {
	dry, force bool
	format     string
}

// readReload reads the parameters. One that is not understood must not lead to a
// reload in earnest.
func readReload(args *fasthttp.Args) (r reloadRequest, err error) {
	r.format = "json"
	for name, value := range args.All() {
		v := string(value)
		switch string(name) {
		case "dry", "force":
			if v != "0" && v != "1" {
				return r, fmt.Errorf("%s is 0 or 1, not %q", name, v)
			}
			if string(name) == "dry" {
				r.dry = v == "1"
			} else {
				r.force = v == "1"
			}
		case "format":
			if r.format = v; v != "json" && v != "text" {
				return r, fmt.Errorf("unknown format %q; have json, text", v)
			}
		default:
			return r, fmt.Errorf("unknown parameter %q; have dry, force, format", name)
		}
	}
	if !r.dry && r.format == "text" {
		return r, errors.New("format=text is for dry=1 only")
	}
	return r, nil
}

// The results of a dry run.
const (
	wouldApply  = "would_apply"
	wouldRefuse = "would_refuse"
	wouldKeep   = "unchanged"
	cannotRead  = "unreadable"
)

// dryNote says what a dry run cannot find.
const dryNote = "nothing was opened: whether new addresses can be listened on and a new access log be written is found by the reload itself"

// dryRun tells what a reload would do.
func (a *Admin) dryRun(ctx *fasthttp.RequestCtx, r reloadRequest) {
	answer := struct {
		Generation uint64          `json:"generation"` // in force, before and after
		Result     string          `json:"result"`
		Note       string          `json:"note,omitempty"`
		Changes    *proxy.Changes  `json:"changes,omitempty"`
		Error      string          `json:"error,omitempty"`
		Problems   config.Problems `json:"problems,omitempty"`
	}{Generation: a.number()}
	changes, err := a.opts.DryRun(r.force)
	var back *hotreload.TakenBackError
	status := fasthttp.StatusOK
	switch {
	case err == nil && r.format == "text":
		ctx.SetContentType(plainText)
		// Writing to a response in memory does not fail.
		_ = changes.WriteText(ctx)
		fmt.Fprintf(ctx, "\n%s\n", dryNote)
		return
	case err == nil:
		answer.Result, answer.Changes, answer.Note = wouldApply, changes, dryNote
		if changes.Empty() {
			answer.Result = wouldKeep
		}
	case errors.As(err, &answer.Problems), errors.As(err, &back):
		status, answer.Result, answer.Error = fasthttp.StatusUnprocessableEntity, wouldRefuse, err.Error()
	default:
		status, answer.Result, answer.Error = fasthttp.StatusServiceUnavailable, cannotRead, err.Error()
	}
	reply(ctx, status, answer)
}
