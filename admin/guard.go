package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
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
	rules := a.rules()
	if slices.ContainsFunc(rules.Hosts, func(name string) bool {
		return strings.EqualFold(strings.TrimSuffix(name, "."), strings.TrimSuffix(host, "."))
	}) {
		return true
	}
	network, address := config.SplitAddress(rules.Address)
	return network == "tcp" && host == hostName(address)
}

// rules are what the config in force says of the admin interface.
func (a *Admin) rules() config.Admin {
	if g := a.opts.Proxy.Generation(); g != nil {
		return g.Config.Admin
	}
	return config.Admin{}
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

// denial is why a request may not use an endpoint.
type denial struct {
	status int
	why    string
}

// deny says why the request may not use the endpoint, or nil. What changes
// something is for this machine and for who has the token, and like what costs
// much, not for scripts of web pages.
func (a *Admin) deny(ctx *fasthttp.RequestCtx, e *endpoint) *denial {
	changes := e.method != "GET"
	if !changes {
		if strings.HasPrefix(e.path, "/debug/") && crossSite(ctx) {
			return &denial{fasthttp.StatusForbidden, otherSite}
		}
		return nil
	}
	switch a.trust(ctx) {
	case trustNever:
		return &denial{fasthttp.StatusForbidden,
			"changes are taken from this machine only; to allow others, set admin.token or admin.token_file in the config"}
	case trustLacking:
		ctx.Response.Header.Set("WWW-Authenticate", "Bearer")
		return &denial{fasthttp.StatusUnauthorized, "changes from another machine need the token: send Authorization: Bearer and what admin.token says"}
	}
	switch {
	case crossSite(ctx):
		return &denial{fasthttp.StatusForbidden, otherSite}
	case !plainlyMeant(ctx):
		return &denial{fasthttp.StatusUnsupportedMediaType, "send Content-Type: application/json; what a form of a web page could send is refused"}
	}
	return nil
}

const otherSite = "requests from web pages of other sites are refused"

// trust is how far changes are taken from a peer.
type trust string

const (
	trusted      trust = "allowed"
	trustLacking trust = "token" // the token is missing, or wrong
	trustNever   trust = "no"    // there is no token
)

// trust tells whether changes are taken from who has sent the request.
func (a *Admin) trust(ctx *fasthttp.RequestCtx) trust {
	if viaUnix(ctx) || ctx.RemoteIP().IsLoopback() {
		return trusted
	}
	rules := a.rules()
	token := rules.Token
	if rules.TokenFile != "" {
		var err error
		if token, err = ReadToken(rules.TokenFile); err != nil {
			a.opts.Log.Error().Err(err).Msg("a change through the admin interface cannot be allowed")
			return trustLacking
		}
	}
	if token == "" {
		return trustNever
	}
	scheme, given, _ := strings.Cut(string(ctx.Request.Header.Peek("Authorization")), " ")
	// Their sums are of one length, so that not even that can be measured.
	have, want := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(token))
	if strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(have[:], want[:]) == 1 {
		return trusted
	}
	return trustLacking
}

// ReadToken reads the file of admin.token_file. White space around the token is
// no part of it.
func ReadToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	defer f.Close()
	const most = 4 << 10
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if err := config.CheckToken(token); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return token, nil
}

// plainlyMeant reports whether the request is one that a form, or a script that
// may not read answers, could not send: any body is called JSON.
func plainlyMeant(ctx *fasthttp.RequestCtx) bool {
	media, _, _ := strings.Cut(string(ctx.Request.Header.ContentType()), ";")
	media = strings.TrimSpace(media)
	if media == "" {
		return len(ctx.Request.Body()) == 0
	}
	return strings.EqualFold(media, jsonText)
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
