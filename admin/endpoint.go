package admin

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// endpoint is one method of one path.
type endpoint struct {
	method string
	path   string // "*" stands for any text; at the end, for none too
	about  string
	serve  func(a *Admin, ctx *fasthttp.RequestCtx)
}

// endpoints returns every endpoint there is, in the order in which they are listed.
func endpoints() []endpoint {
	return []endpoint{
		{"GET", "/", "in a browser, the page; else this list", (*Admin).front},
		{"GET", "/page/*", "what the page is made of", (*Admin).pageFile},
		{"GET", "/endpoints", "this list", (*Admin).index},
		{"GET", "/healthz", "200 while the process lives", (*Admin).healthz},
		{"GET", "/readyz", "200 while traffic should come, else 503 and why", (*Admin).readyz},
		{"GET", "/metrics", "metrics in the Prometheus text format, or in its protobuf format, with native histograms, where Accept asks for that", (*Admin).metrics},
		{"GET", "/routes", "the routes in force, in matching order", (*Admin).routes},
		{"GET", "/upstreams", "the upstreams in force and their targets as they are now", (*Admin).upstreams},
		{"POST", "/upstreams/*/targets/*/drain", "give the target no new requests; its name and address are escaped", (*Admin).drain},
		{"DELETE", "/upstreams/*/targets/*/drain", "give it requests again", (*Admin).undrain},
		{"GET", "/status", "all of that as it is now, with rates of the last seconds; what the page shows", (*Admin).status},
		{"GET", "/history", "[?route=R|?upstream=U][&since=SAMPLE]: rates and times of the last five minutes", (*Admin).chart},
		{"GET", "/reloads", "the last reloads, with what they changed or what was wrong", (*Admin).reloads},
		{"GET", "/config", "the config in force, with all defaults", (*Admin).config},
		{"GET", "/reload", "what is in force since when, and how the last reload ended", (*Admin).reloadStatus},
		{"POST", "/reload", "[?dry=1[&format=text]][&force=1]: read the config again now, also where it was taken back, or tell what that would do; 200, 422 if refused, 503 if unreadable", (*Admin).reload},
		{"POST", "/upgrade", "have the program as it lies on disk now take this process's place; 200, 409 if refused, 500 if failed", (*Admin).upgrade},
		{"GET", "/explain", "?url=U[&method=M][&header=K:V]…[&client=IP][&format=text]: what becomes of a request, and why", (*Admin).explain},
		{"GET", "/log", "the log level", (*Admin).logLevel},
		{"PUT", "/log", `{"level":"debug"}: change the log level until the next reload`, (*Admin).setLogLevel},
		{"POST", "/log", "the same as PUT", (*Admin).setLogLevel},
		{"GET", "/debug/pprof/*", "profiles of the process, for go tool pprof", (*Admin).profile},
	}
}

// handle answers one request.
func (a *Admin) handle(ctx *fasthttp.RequestCtx) {
	defer func() {
		if v := recover(); v != nil {
			a.opts.Log.Error().Str("path", string(ctx.Path())).Str("stack", string(debug.Stack())).
				Msgf("panic while serving the admin interface: %v", v)
			refuse(ctx, fasthttp.StatusInternalServerError, "internal error; the log has more")
		}
	}()
	// What is told is of the moment, and for the one who asks.
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
	if !a.hostAllowed(ctx) {
		refuse(ctx, fasthttp.StatusForbidden,
			"the Host is not one of the admin interface's: use its IP address, localhost, the name in admin.address, or one of admin.hosts")
		return
	}
	e, allow := a.find(string(ctx.Path()), string(ctx.Method()))
	switch {
	case e != nil:
		if d := a.deny(ctx, e); d != nil {
			refuse(ctx, d.status, d.why)
			return
		}
		e.serve(a, ctx)
	case len(allow) > 0:
		ctx.Response.Header.Set("Allow", strings.Join(allow, ", "))
		refuse(ctx, fasthttp.StatusMethodNotAllowed, "method not allowed; use "+strings.Join(allow, ", "))
	default:
		refuse(ctx, fasthttp.StatusNotFound, "no such endpoint; GET /endpoints lists them")
	}
}

// find returns the endpoint of a path and method, or the methods that the path
// has. HEAD is served as GET.
func (a *Admin) find(path, method string) (e *endpoint, allow []string) {
	for i := range a.endpoints {
		if !a.endpoints[i].covers(path) {
			continue
		}
		allow = append(allow, a.endpoints[i].method)
		if a.endpoints[i].method == "GET" {
			allow = append(allow, "HEAD")
		}
		if slices.Contains(allow, method) {
			return &a.endpoints[i], nil
		}
	}
	return nil, allow
}

func (e *endpoint) covers(path string) bool {
	parts := strings.Split(e.path, "*")
	last := len(parts) - 1
	if last == 0 {
		return path == e.path
	}
	if parts[last] == "" && path+"/" == parts[0] {
		return true
	}
	rest, ok := strings.CutPrefix(path, parts[0])
	for _, part := range parts[1:last] {
		if ok {
			_, rest, ok = strings.Cut(rest, part)
		}
	}
	return ok && strings.HasSuffix(rest, parts[last])
}

// index lists the endpoints.
func (a *Admin) index(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType(plainText)
	fmt.Fprintf(ctx, "Sluice %s, admin interface\n\n", a.opts.Version)
	for _, e := range a.endpoints {
		fmt.Fprintf(ctx, "%-4s %-16s %s\n", e.method, e.path, e.about)
	}
}
