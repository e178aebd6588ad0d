package admin

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
)

// hostAllowed reports whether the Host is one that only somebody who means this
// process would send. A web page whose name was made to resolve to our address
// (DNS rebinding) sends its own name, and its scripts would be let read answers.
func (a *Admin) hostAllowed(ctx *fasthttp.RequestCtx) bool {
	host := hostName(string(ctx.Host()))
	switch {
	case viaUnix(ctx), host == "localhost":
		return true
	case host == "":
		// Only HTTP/1.0 can leave it out, which no browser speaks.
		return !ctx.Request.Header.IsHTTP11()
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	g := a.opts.Proxy.Generation()
	if g == nil {
		return false
	}
	network, address := config.SplitAddress(g.Config.Admin.Address)
	return network == "tcp" && host == hostName(address)
}

// hostName returns the host of an authority, in lower case and without brackets.
func hostName(authority string) string {
	host, _, err := net.SplitHostPort(authority)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(authority, "["), "]")
	}
	return strings.ToLower(host)
}

func viaUnix(ctx *fasthttp.RequestCtx) bool {
	_, ok := ctx.RemoteAddr().(*net.UnixAddr)
	return ok
}

// forbidden says why the request may not use the endpoint, or nothing. What
// changes something is for this machine alone, and like what costs much, not for
// scripts of web pages.
func forbidden(ctx *fasthttp.RequestCtx, e *endpoint) string {
	changes := e.method != "GET"
	switch {
	case changes && !viaUnix(ctx) && !ctx.RemoteIP().IsLoopback():
		return "changes are taken from this machine only"
	case (changes || strings.HasPrefix(e.path, "/debug/")) && crossSite(ctx):
		return "requests from web pages of other sites are refused"
	}
	return ""
}

// crossSite reports whether a browser says that a page of another origin has
// caused the request.
func crossSite(ctx *fasthttp.RequestCtx) bool {
	switch string(ctx.Request.Header.Peek("Sec-Fetch-Site")) {
	case "", "none", "same-origin":
	default:
		return true
	}
	origin := string(ctx.Request.Header.Peek("Origin"))
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, string(ctx.Host()))
}
