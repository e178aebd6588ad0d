package admin

import (
	"net/http/pprof"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
	"github.com/valyala/fasthttp/pprofhandler"
)

const profiles = "/debug/pprof/"

var profileIndex = fasthttpadaptor.NewFastHTTPHandlerFunc(pprof.Index)

func (a *Admin) profile(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case profiles:
		profileIndex(ctx) // which pprofhandler answers 404
	case profiles[:len(profiles)-1]:
		// The list has relative links.
		ctx.Response.Header.Set("Location", profiles)
		ctx.SetStatusCode(fasthttp.StatusMovedPermanently)
	default:
		pprofhandler.PprofHandler(ctx)
	}
}
