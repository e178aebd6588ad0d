package proxy

import (
	"net/netip"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/router"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// request is one exchange on its way through the proxy: the facts that
// middlewares, log and metrics see, and what only this package needs. It is
// pooled; its memory is used again.
type request struct {
	exchange.Exchange

	client *server.Conn
	body   *server.Body
	gen    *Generation
	route  *route
	trip   upstream.Trip
	tried  lb.Tried
	upload *upload // a body that is sent while the response is awaited

	path   []byte // as the route matched it
	host   []byte // as routes are looked up by
	out    []byte // what is written next: a head, and more if it fits
	phrase []byte
	silent bool // nothing is answered
	begun  bool // bytes of the final response were sent, or the client is lost
	key    uint64
	sent   int // attempts that may have reached a target
	stale  int // pooled connections that died under the request
	// redialled tells that a connection could not be established in time.
	redialled bool
	// passedOn tells that the client was sent an interim response of a target.
	passedOn bool
	// deadline is when the whole request is to be done; zero without a limit.
	deadline time.Time
	spans    spans // of a recorded trace
	// headAt is when the response's head had come, while that is as good as now.
	headAt time.Time
}

var requests = sync.Pool{New: func() any { return &request{phrase: make([]byte, 0, 32)} }}

// maxKept bounds the memory that a pooled request holds on to.
const maxKept = 128 << 10

func (r *request) begin(c *server.Conn, gen *Generation) {
	r.prepare(c.Head(), c.Addr(), gen)
	r.client, r.body = c, c.Body()
	r.Forwarding.Client = c.Client()
}

// prepare is all of begin that needs no connection.
func (r *request) prepare(head *wire.Head, peer netip.Addr, gen *Generation) {
	r.Reset()
	r.Start = time.Now()
	r.gen = gen
	r.Head = head
	r.Exchange.Target = head.Origin
	r.Forwarding.Proto = "http"
	r.Forwarding.Trusted = gen.trusts(peer)
	r.Params = r
	r.Owner = r
}

func (r *request) release() {
	if r.Cap()+cap(r.out)+cap(r.path) > maxKept {
		return
	}
	r.client, r.body, r.gen, r.route, r.upload = nil, nil, nil, nil, nil
	r.Head, r.Params, r.Owner = nil, nil, nil
	r.tried.Reset()
	r.silent, r.begun, r.passedOn, r.redialled, r.deadline = false, false, false, false, time.Time{}
	r.headAt = time.Time{}
	r.key, r.sent, r.stale = 0, 0, 0
	r.spans.wanted, r.spans.n, r.spans.open = false, 0, false
	requests.Put(r)
}

// of returns the request that ctx serves.
func of(ctx *fasthttp.RequestCtx) *request { return exchange.Of(ctx).Owner.(*request) }

// Param gives middlewares the value of a path parameter.
func (r *request) Param(name string) ([]byte, bool) { return r.route.rule.Param(r.path, name) }

// Header, Query and Cookie are what predicates look at.
func (r *request) Header(name string, i int) ([]byte, bool) { return r.Head.Value(name, i) }

func (r *request) Query(name string, i int) ([]byte, bool) {
	_, query, _ := wire.SplitTarget(r.Head.Origin)
	return wire.QueryValue(query, name, i)
}

func (r *request) Cookie(name string, i int) ([]byte, bool) { return r.Head.Cookie(name, i) }

var _ router.Request = (*request)(nil)

// trusts reports whether the peer is a proxy whose forwarding fields count.
func (g *Generation) trusts(peer netip.Addr) bool {
	for _, p := range g.trusted {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

// clientAddress returns the address of the client itself, as text: of the peer,
// or what trusted proxies say, read from right to left up to the first address
// that is not theirs.
func (r *request) clientAddress() []byte {
	address := r.Forwarding.Client
	if !r.Forwarding.Trusted {
		return address
	}
	for i := r.Head.Len() - 1; i >= 0; i-- {
		_, value, kind := r.Head.Field(i)
		if kind != wire.KindForwardedFor {
			continue
		}
		for item, rest := wire.LastListItem(value); item != nil; item, rest = wire.LastListItem(rest) {
			ip, err := netip.ParseAddr(string(item))
			if err != nil {
				return address
			}
			address = item
			if !r.gen.trusts(ip.Unmap()) {
				return address
			}
		}
	}
	return address
}
