package middleware

import (
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// AddPrefix puts a prefix in front of the path, which follows it byte for byte. A
// path that climbs out of the prefix is answered 400.
type AddPrefix struct {
	Prefix string `json:"prefix" required:"true" doc:"Put in front of the path, as /app; a / at its end makes no difference. Escapes such as %20 are sent as they stand."`
}

// Check implements what [config.Catalog] asks of options.
func (o *AddPrefix) Check() []config.OptionProblem { return checkPrefix(o.Prefix) }

// build makes the middleware. It does not allocate per request.
func (o *AddPrefix) build() Middleware {
	prefix := escapeLiteral(strings.TrimSuffix(o.Prefix, "/"))
	return func(next fasthttp.RequestHandler) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			x := exchange.Of(ctx)
			if path, query, ok := pathOf(x); ok {
				if wire.Ascends(path) {
					refusePath(x)
					return
				}
				x.SetTarget(prefix, path, query)
			}
			next(ctx)
		}
	}
}
