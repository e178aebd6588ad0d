package admin

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

func (a *Admin) healthz(ctx *fasthttp.RequestCtx) { text(ctx, fasthttp.StatusOK, "ok\n") }

func (a *Admin) readyz(ctx *fasthttp.RequestCtx) {
	ok, why := a.ready()
	if !ok {
		text(ctx, fasthttp.StatusServiceUnavailable, "not ready: "+why+"\n")
		return
	}
	text(ctx, fasthttp.StatusOK, "ready\n")
}

// ready reports whether traffic should be sent here, and why not.
func (a *Admin) ready() (ok bool, why string) {
	if a.opts.Proxy.Generation() == nil {
		return false, noConfig
	}
	if a.opts.Ready == nil {
		return true, ""
	}
	return a.opts.Ready()
}

// metrics tells what can be told even where a part cannot be had.
func (a *Admin) metrics(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("Vary", "Accept")
	kind, write := telemetry.TextType, a.opts.Metrics.WriteText
	if telemetry.WantsProtobuf(string(ctx.Request.Header.Peek("Accept"))) {
		kind, write = telemetry.ProtobufType, a.opts.Metrics.WriteProtobuf
	}
	ctx.SetContentType(kind)
	err := write(ctx)
	if err == nil {
		return
	}
	a.opts.Log.Error().Err(err).Msg("cannot gather all metrics")
	if len(ctx.Response.Body()) == 0 {
		refuse(ctx, fasthttp.StatusInternalServerError, "cannot gather metrics; the log has more")
	}
}

const noConfig = "no config is in force yet"

// generation returns the one in force, or answers that there is none.
func (a *Admin) generation(ctx *fasthttp.RequestCtx) *proxy.Generation {
	g := a.opts.Proxy.Generation()
	if g == nil {
		refuse(ctx, fasthttp.StatusServiceUnavailable, noConfig)
	}
	return g
}

func (a *Admin) routes(ctx *fasthttp.RequestCtx) {
	if g := a.generation(ctx); g != nil {
		reply(ctx, fasthttp.StatusOK, struct {
			Generation uint64              `json:"generation"`
			Routes     []proxy.RouteStatus `json:"routes"`
		}{g.Number, g.RouteList()})
	}
}

func (a *Admin) upstreams(ctx *fasthttp.RequestCtx) {
	if g := a.generation(ctx); g != nil {
		reply(ctx, fasthttp.StatusOK, struct {
			Generation uint64                 `json:"generation"`
			Upstreams  []proxy.UpstreamStatus `json:"upstreams"`
		}{g.Number, g.UpstreamList()})
	}
}

// config shows the config whole, but for what is secret in it.
func (a *Admin) config(ctx *fasthttp.RequestCtx) {
	if g := a.generation(ctx); g != nil {
		ctx.SetContentType(jsonText)
		ctx.SetBody(g.Config.Shown())
	}
}

func (a *Admin) explain(ctx *fasthttp.RequestCtx) {
	g := a.generation(ctx)
	if g == nil {
		return
	}
	q, format, err := readQuery(ctx.QueryArgs())
	if err != nil {
		refuse(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	e, err := g.Explain(q)
	if err != nil {
		refuse(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	if format == "text" {
		ctx.SetContentType(plainText)
		// Writing to a response in memory does not fail.
		_ = e.WriteText(ctx)
		return
	}
	reply(ctx, fasthttp.StatusOK, struct {
		Generation uint64 `json:"generation"`
		*proxy.Explanation
	}{g.Number, e})
}

// readQuery reads the parameters of /explain.
func readQuery(args *fasthttp.Args) (q proxy.Query, format string, err error) {
	format = "json"
	for name, value := range args.All() {
		v := string(value)
		switch string(name) {
		case "method":
			q.Method = v
		case "url":
			q.URL = v
		case "header":
			field, content, ok := strings.Cut(v, ":")
			if !ok {
				return q, "", fmt.Errorf("header %q has no colon; write K:V", v)
			}
			q.Header = append(q.Header, [2]string{field, strings.TrimSpace(content)})
		case "client":
			if q.Client, err = netip.ParseAddr(v); err != nil {
				return q, "", fmt.Errorf("client %q is not an IP address", v)
			}
		case "format":
			if format = v; v != "json" && v != "text" {
				return q, "", fmt.Errorf("unknown format %q; have json, text", v)
			}
		default:
			return q, "", fmt.Errorf("unknown parameter %q; have url, method, header, client, format."+
				" An & within the URL is written %%26", name)
		}
	}
	if q.URL == "" {
		return q, "", fmt.Errorf("the parameter url is missing")
	}
	return q, format, nil
}
