package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// Query is a request to explain. It has no body.
type Query struct {
	Method string // GET if empty
	// URL is http://host/path?query, taken byte for byte but for a fragment; or
	// only /path?query, with the Host among the fields.
	URL string
	// Header holds names and values in their order. A Host replaces the URL's.
	Header [][2]string
	// Client is where the request comes from; 127.0.0.1 if left out.
	Client netip.Addr
}

// The verdicts of an explanation.
const (
	VerdictForward = "forward" // sent to a target
	VerdictAnswer  = "answer"  // answered by the route or a middleware, as the config says
	VerdictRefuse  = "refuse"  // answered with an error; see Status and Reason
)

// Explanation tells what would become of a request, and why.
type Explanation struct {
	Method  string `json:"method"`
	URL     string `json:"url"`
	Verdict string `json:"verdict"`
	// Status and Reason are those of a refusal.
	Status int    `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`

	// Host and Path are what routes are matched by. Where the path has another
	// reading, with escapes and dot segments resolved, that is Resolved.
	Host     string `json:"host,omitempty"`
	Path     string `json:"path,omitempty"`
	Resolved string `json:"resolved,omitempty"`

	Route       string   `json:"route,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	Middlewares []string `json:"middlewares,omitempty"`
	// Why holds the routes in matching order; Omitted counts those left out.
	Why     []RouteVerdict `json:"why,omitempty"`
	Omitted int            `json:"omitted,omitempty"`

	Forward *ForwardPlan `json:"forward,omitempty"`
	Answer  *AnswerPlan  `json:"answer,omitempty"`
}

// RouteVerdict is what matching made of one route under one of its hosts.
type RouteVerdict struct {
	Route   string `json:"route"`
	Host    string `json:"host"` // "*" for any
	Pattern string `json:"pattern"`
	Chosen  bool   `json:"chosen"`
	Reason  string `json:"reason,omitempty"` // why it was not chosen
}

// AnswerPlan is an answer that no target is asked for.
type AnswerPlan struct {
	Status int         `json:"status"`
	Header [][2]string `json:"header"`
	Body   string      `json:"body"`
}

// Explain tells what would become of a request under this generation. It takes
// the way of a real request, middlewares included, up to the choice of a target,
// and sends nothing. A request that would be refused is explained too; an error
// says that q cannot be sent as a request at all.
func (g *Generation) Explain(q Query) (*Explanation, error) { return g.explain(q, true) }

// explain is Explain, which lists the routes only if why says so: that walks all
// of them.
func (g *Generation) explain(q Query, why bool) (*Explanation, error) {
	raw, scheme, err := q.raw()
	if err != nil {
		return nil, err
	}
	e := &Explanation{Method: cmp.Or(q.Method, "GET"), URL: q.URL}
	var head wire.Head
	limits := &g.Config.Limits
	n, err := head.Parse(raw, wire.Limits{Bytes: int(limits.HeaderBytes), Fields: limits.Headers})
	if err == nil && n == 0 {
		err = wire.ErrHeadTooLong
	}
	if err == nil && limits.BodyBytes > 0 && head.Length > int64(limits.BodyBytes) {
		err = wire.ErrBodyTooLong
	}
	var refusal *wire.Refusal
	if errors.As(err, &refusal) {
		e.refuse(refusal.Status, refusal.Reason)
		return e, nil
	}
	client := q.Client.Unmap()
	if !client.IsValid() {
		client = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	r := new(request)
	r.prepare(&head, client, g)
	r.Forwarding.Client = []byte(client.String())
	r.Forwarding.Proto = scheme
	matched := r.match()
	if why {
		e.listRoutes(r)
	}
	return e, e.follow(r, client, matched)
}

// refuse notes an error of Sluice's own.
func (e *Explanation) refuse(status int, reason string) {
	e.Verdict, e.Status, e.Reason = VerdictRefuse, status, reason
}

// follow goes the way of a request that was well-formed, once routes were matched.
func (e *Explanation) follow(r *request, client netip.Addr, matched bool) error {
	e.Host, e.Path = string(r.host), string(r.path)
	if path, _, _ := wire.SplitTarget(r.Head.Origin); !wire.PlainPath(path) {
		if resolved := string(wire.AppendResolvedPath(nil, path)); resolved != e.Path {
			e.Resolved = resolved
		}
	}
	if !matched {
		e.conclude(r, nil)
		return nil
	}
	e.Route, e.Pattern = r.Route, r.route.rule.Pattern()
	e.Middlewares = r.route.def.Middlewares
	ctx := newContext(r, client)
	// A forwarder is stood in for by what only tells its plan.
	handler := func(*fasthttp.RequestCtx) { e.Forward = r.route.forward.plan(r) }
	if r.route.forward == nil {
		handler = r.gen.innermost(r.route, nil)
	}
	r.gen.wrap(r.route.def, handler)(ctx)
	e.conclude(r, ctx)
	return nil
}

// newContext makes the context that the handlers of a request are called with.
func newContext(r *request, client netip.Addr) *fasthttp.RequestCtx {
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(new(fasthttp.Request), net.TCPAddrFromAddrPort(netip.AddrPortFrom(client, 0)), nil)
	r.Bind(ctx)
	return ctx
}

// conclude finds the verdict once all that looks at the request has been run;
// ctx is nil where no route was.
func (e *Explanation) conclude(r *request, ctx *fasthttp.RequestCtx) {
	x := &r.Response
	switch failed := failures[r.Reason]; {
	case failed != nil:
		e.refuse(failed.status, failed.text)
	case e.Forward != nil && x.Status == 0:
		e.Verdict = VerdictForward
		if !e.Forward.anyTakes() {
			none := failures[exchange.NoTarget]
			e.refuse(none.status, none.text)
		}
		return
	default:
		e.Verdict = VerdictAnswer
	}
	e.Answer = &AnswerPlan{Status: x.Status, Header: fieldList(x.Fields.Bytes()), Body: string(x.Body)}
	if x.Status == 0 && ctx != nil {
		// Answered by a middleware through fasthttp's own response.
		e.Answer.Status = ctx.Response.StatusCode()
		e.Answer.Body = string(ctx.Response.Body())
		for name, value := range ctx.Response.Header.All() {
			e.Answer.Header = append(e.Answer.Header, [2]string{string(name), string(value)})
		}
	}
}

// fieldList parts a block of field lines.
func fieldList(block []byte) [][2]string {
	list := [][2]string{}
	for line := range strings.SplitSeq(string(block), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			list = append(list, [2]string{name, strings.TrimSpace(value)})
		}
	}
	return list
}

// maxWhy bounds the routes that an explanation holds.
const maxWhy = 100

// listRoutes fills Why. Where there are too many routes, those of other hosts are
// left out first.
func (e *Explanation) listRoutes(r *request) {
	all := r.gen.table.Explain(r.host, r.Head.Method, r.path, r)
	for i := range all {
		c := &all[i]
		if len(all) > maxWhy && !c.Chosen && (len(e.Why) >= maxWhy || !hostFits(c.Host, string(r.host))) {
			e.Omitted++
			continue
		}
		e.Why = append(e.Why, RouteVerdict{Route: c.Route.Name, Host: c.Host,
			Pattern: c.Route.Pattern(), Chosen: c.Chosen, Reason: c.Reason})
	}
}

func hostFits(pattern, host string) bool {
	suffix, wildcard := strings.CutPrefix(pattern, "*")
	return wildcard && strings.HasSuffix(host, suffix) || pattern == host
}

var (
	errURL       = errors.New("not a URL: write http://host/path, or /path with a Host field")
	errLineBreak = errors.New("a line break cannot be part of a method, URL or header field")
)

// raw returns the request's head as a client would send it, and the scheme.
func (q *Query) raw() (head []byte, scheme string, err error) {
	scheme, authority, target, err := splitURL(q.URL)
	if err != nil {
		return nil, "", err
	}
	fields := q.Header
	for _, f := range fields {
		if strings.EqualFold(f[0], "Host") {
			authority = ""
		}
		if strings.ContainsAny(f[0]+f[1], "\r\n") {
			return nil, "", errLineBreak
		}
	}
	if strings.ContainsAny(q.Method+q.URL, "\r\n") {
		return nil, "", errLineBreak
	}
	if authority != "" {
		fields = append([][2]string{{"Host", authority}}, fields...)
	}
	head = fmt.Appendf(nil, "%s %s HTTP/1.1\r\n", cmp.Or(q.Method, "GET"), target)
	for _, f := range fields {
		head = fmt.Appendf(head, "%s: %s\r\n", f[0], f[1])
	}
	return append(head, "\r\n"...), scheme, nil
}

// splitURL cuts a URL where a client does, and changes nothing in its parts.
func splitURL(url string) (scheme, authority, target string, err error) {
	url, _, _ = strings.Cut(url, "#")
	if strings.HasPrefix(url, "/") || url == "*" {
		return "http", "", url, nil
	}
	scheme, rest, ok := strings.Cut(url, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return "", "", "", errURL
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, target = rest[:end], rest[end:]
	if authority == "" {
		return "", "", "", errURL
	}
	if target == "" || target[0] == '?' {
		target = "/" + target
	}
	return scheme, authority, target, nil
}
