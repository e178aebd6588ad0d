package admin

import (
	"encoding/json"
	"errors"
	"net"

	"github.com/valyala/fasthttp"
)

const (
	plainText = "text/plain; charset=utf-8"
	jsonText  = "application/json"
)

// reply answers with v as JSON.
func reply(ctx *fasthttp.RequestCtx, status int, v any) {
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	ctx.SetContentType(jsonText)
	encoder := json.NewEncoder(ctx)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // what is encoded here always can be
	}
}

// refusal is the body of every error.
type refusal struct {
	Error string `json:"error"`
}

func refuse(ctx *fasthttp.RequestCtx, status int, why string) {
	reply(ctx, status, refusal{why})
}

// refuseMalformed answers what could not be read as a request.
func refuseMalformed(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var network *net.OpError
	switch {
	case errors.As(err, &small):
		refuse(ctx, fasthttp.StatusRequestHeaderFieldsTooLarge, "request head too long")
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		refuse(ctx, fasthttp.StatusRequestEntityTooLarge, "request body too long")
	case errors.As(err, &network) && network.Timeout():
		refuse(ctx, fasthttp.StatusRequestTimeout, "request took too long")
	default:
		refuse(ctx, fasthttp.StatusBadRequest, "malformed request")
	}
}

func text(ctx *fasthttp.RequestCtx, status int, body string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType(plainText)
	ctx.SetBodyString(body)
}
