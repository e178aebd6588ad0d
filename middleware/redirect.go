package middleware

import (
	"slices"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// Redirect answers every request with a redirect.
type Redirect struct {
	Status int    `json:"status" default:"308" doc:"301, 302, 303, 307 or 308."`
	To     string `json:"to" required:"true" doc:"Where to: a path or an http or https URL. {scheme}, {host} (without port), {path}, {query} (with its ?) and {uri} ({path}{query}) are the request's, as earlier middlewares left it; a path segment or query value that begins with : is the route's parameter of that name. Within a query all of them are escaped. As https://{host}{uri} or /login?next={uri}."`
}

var redirectStatuses = []int{301, 302, 303, 307, 308}

// Answers tells the config that a route with this middleware needs no upstream.
func (o *Redirect) Answers() bool { return true }

// Check implements what [config.Catalog] asks of options.
func (o *Redirect) Check() []config.OptionProblem {
	var found []config.OptionProblem
	if !slices.Contains(redirectStatuses, o.Status) {
		found = problem("status", "%d is not 301, 302, 303, 307 or 308", o.Status)
	}
	if _, err := parseLocation(o.To); err != nil {
		found = append(found, config.OptionProblem{Key: "to", Message: err.Error()})
	}
	return found
}

// Params returns the names of the parameters that the route must have.
func (o *Redirect) Params() []string {
	var names []string
	to, _ := parseLocation(o.To)
	for _, p := range to.pieces {
		if p.kind == pieceParam && !slices.Contains(names, p.text) {
			names = append(names, p.text)
		}
	}
	return names
}

// build makes the middleware. It does not allocate per request.
func (o *Redirect) build() Middleware {
	to, _ := parseLocation(o.To) // passed Check
	body := []byte(strconv.Itoa(o.Status) + " " + fasthttp.StatusMessage(o.Status) + "\n")
	status := o.Status
	return func(fasthttp.RequestHandler) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			x := exchange.Of(ctx)
			x.Response.Answer(status, plainText, body)
			block := append(x.Response.Fields.Bytes(), "Location: "...)
			// What cannot be filled in has been answered with an error instead.
			if block, ok := to.appendTo(block, x); ok {
				x.Response.Fields.SetBlock(append(block, "\r\n"...))
			}
		}
	}
}
