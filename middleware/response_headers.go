package middleware

import (
	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// ResponseHeaders edits the fields of the final response, whoever made it:
// remove, then set, then add.
type ResponseHeaders struct {
	Set    map[string]string `json:"set" doc:"Fields that get exactly this one value; an empty value is sent as one."`
	Add    map[string]string `json:"add" doc:"Fields that get one more line with this value."`
	Remove []string          `json:"remove" doc:"Names of fields that do not reach the client."`
}

// Check implements what [config.Catalog] asks of options.
func (o *ResponseHeaders) Check() []config.OptionProblem {
	return checkHeaderEdit(o.Set, o.Add, o.Remove, false)
}

// build makes the middleware. It does not allocate per request.
func (o *ResponseHeaders) build() Middleware {
	edit := newHeaderEdit(o.Set, o.Add, o.Remove)
	return func(next fasthttp.RequestHandler) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			x := exchange.Of(ctx)
			next(ctx)
			edit.apply(&x.Response.Fields)
		}
	}
}
