package middleware

import (
	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// RequestHeaders edits the fields sent to the target, those included that Sluice
// adds: remove, then set, then add.
type RequestHeaders struct {
	Set    map[string]string `json:"set" doc:"Fields that get exactly this one value; an empty value is sent as one."`
	Add    map[string]string `json:"add" doc:"Fields that get one more line with this value."`
	Remove []string          `json:"remove" doc:"Names of fields that are not sent."`
}

// Check implements what [config.Catalog] asks of options.
func (o *RequestHeaders) Check() []config.OptionProblem {
	return checkHeaderEdit(o.Set, o.Add, o.Remove, true)
}

// build makes the middleware. It does not allocate per request.
func (o *RequestHeaders) build() Middleware {
	edit := newHeaderEdit(o.Set, o.Add, o.Remove)
	return func(next fasthttp.RequestHandler) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			edit.apply(exchange.Of(ctx).RequestFields())
			next(ctx)
		}
	}
}
