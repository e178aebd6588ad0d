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
	dry, format, err := readReload(ctx.QueryArgs())
	switch {
	case err != nil:
		refuse(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	case dry:
		a.dryRun(ctx, format)
		return
	}
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

// readReload reads the parameters of POST /reload. One that is not understood
// must not lead to a reload in earnest.
func readReload(args *fasthttp.Args) (dry bool, format string, err error) {
	format = "json"
	for name, value := range args.All() {
		v := string(value)
		switch string(name) {
		case "dry":
			if v != "0" && v != "1" {
				return false, "", fmt.Errorf("dry is 0 or 1, not %q", v)
			}
			dry = v == "1"
		case "format":
			if format = v; v != "json" && v != "text" {
				return false, "", fmt.Errorf("unknown format %q; have json, text", v)
			}
		default:
			return false, "", fmt.Errorf("unknown parameter %q; have dry, format", name)
		}
	}
	if !dry && format == "text" {
		return false, "", errors.New("format=text is for dry=1 only")
	}
	return dry, format, nil
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
func (a *Admin) dryRun(ctx *fasthttp.RequestCtx, format string) {
	answer := struct {
		Generation uint64          `json:"generation"` // in force, before and after
		Result     string          `json:"result"`
		Note       string          `json:"note,omitempty"`
		Changes    *proxy.Changes  `json:"changes,omitempty"`
		Error      string          `json:"error,omitempty"`
		Problems   config.Problems `json:"problems,omitempty"`
	}{Generation: a.number()}
	changes, err := a.opts.DryRun()
	status := fasthttp.StatusOK
	switch {
	case err == nil && format == "text":
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
	case errors.As(err, &answer.Problems):
		status, answer.Result, answer.Error = fasthttp.StatusUnprocessableEntity, wouldRefuse, err.Error()
	default:
		status, answer.Result, answer.Error = fasthttp.StatusServiceUnavailable, cannotRead, err.Error()
	}
	reply(ctx, status, answer)
}
