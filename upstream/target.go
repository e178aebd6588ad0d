package upstream

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/sock"
)

// Target is one address of an upstream and the connections to it. It outlives
// the pools it stands in: a reload takes over the targets whose definition stays.
// It may be used from any goroutine.
type Target struct {
	// Address is the address as the config has it.
	Address string
	// HostField is what Host says where the upstream's host is "target".
	HostField []byte
	// Node is its place in balancing.
	Node *lb.Node

	health   *record
	life     *lifespan
	observer Observer
	client   fasthttp.HostClient
	network  string
	port     string
	dialling func()
	resolver *resolver // nil where the address needs none
	connect  time.Duration
	maxAge   time.Duration
	inFlight int64 // most requests holding a connection or waiting for one
	retired  atomic.Bool
}

// newTarget makes a target without connections; old is one of the same address
// before it, whose place in balancing and health it takes over, or nil.
func newTarget(address string, def *config.Upstream, old *Target, opts *Options) *Target {
	var node *lb.Node
	var health *record
	life := new(lifespan)
	if old == nil {
		node = lb.NewNode(address)
	} else {
		node, health, life = old.Node, old.health, old.life
	}
	c := &def.Connections
	t := &Target{
		Address:  address,
		Node:     node,
		health:   health,
		life:     life,
		dialling: opts.Dialling,
		connect:  def.Timeouts.Connect.D(),
		maxAge:   c.MaxAge.D(),
		inFlight: int64(c.Max) + int64(c.Queue),
	}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		t.network, t.port = "unix", path
		t.HostField = []byte("localhost") // as curl --unix-socket and nginx say
	} else {
		host, port, _ := net.SplitHostPort(address)
		t.network, t.port = "tcp", port
		t.HostField = []byte(address)
		t.resolver = newResolver(host, opts.Lookup)
	}
	if c.QueueTimeout == 0 {
		t.inFlight = int64(c.Max)
	}
	t.client = fasthttp.HostClient{
		Addr:                "target", // dial knows the address
		DialTimeout:         func(_ string, left time.Duration) (net.Conn, error) { return t.dial(left) },
		MaxConns:            c.Max,
		MaxConnWaitTimeout:  c.QueueTimeout.D(),
		MaxIdleConnDuration: c.IdleTimeout.D(),
		ConnPoolStrategy:    fasthttp.LIFO,
	}
	return t
}

// acquire returns a connection that will do, by what reuse says, or a new one, for
// a request that is one of inFlight.
func (t *Target) acquire(now time.Time, remaining time.Duration, inFlight int64, reuse Reuse) (*conn, error) {
	// The count may have requests on connections of a target that this one took
	// the place of; so only where all connections are busy does it refuse.
	if inFlight > t.inFlight && t.busy() {
		return nil, errQueueFull
	}
	for {
		cc, err := t.client.AcquireConn(remaining, false)
		if err != nil {
			return nil, connectFailure(err)
		}
		c := cc.Conn().(*conn)
		if c.put == nil {
			// Once per connection: cc stays the pool's record of it until it
			// is closed.
			c.put = func() { t.client.ReleaseConn(cc) }
			c.drop = func() { t.client.CloseConn(cc) }
		}
		if !c.used {
			if !c.born.Before(now) {
				return c, nil
			}
			// Dialled for a request that did not wait for it, and idle since.
			c.used, c.since = true, c.born
		}
		idle := max(now.Sub(c.since), 0) // it may have been given back since
		if c.expired(t, idle, now) || !t.life.spares(idle, now) && !t.looksAlive(c, idle, now) {
			t.observer.Stale()
			c.drop()
			continue
		}
		if t.takes(c, reuse, idle, now) {
			return c, nil
		}
		// Those below it in the pool have been idle for longer.
		fresh, err := t.dial(remaining)
		if err != nil {
			c.put()
			return nil, connectFailure(err)
		}
		c.renew(fresh.(*conn))
		return c, nil
	}
}

// looksAlive reports whether the target has neither closed the connection nor sent
// bytes that nobody asked for, and learns from it.
func (t *Target) looksAlive(c *conn, idle time.Duration, now time.Time) bool {
	if idle == 0 {
		// That it has been idle at all is worth noting, or nothing is learned of
		// a target whose connections are always busy.
		now = time.Now()
		idle = max(now.Sub(c.since), 1)
	}
	switch c.stream.Look() {
	case sock.Quiet:
		t.life.alive(idle, now)
		return true
	case sock.Closed, sock.Broken:
		t.life.died(idle-c.stream.HeardAgo(), now)
	case sock.Bytes:
		t.life.talks.Store(true)
	}
	return false
}

// busy reports whether a request would have to wait for a connection.
func (t *Target) busy() bool {
	all, idle := t.Connections()
	return all-idle >= t.client.MaxConns
}

// errQueueFull is one for all, since a request that is refused should cost nothing.
var errQueueFull = &Failure{Reason: exchange.QueueFull, Unsent: true,
	Err: errors.New("too many requests wait for a connection; see connections.max and connections.queue")}

// release gives a connection back: to be used again if it is clean.
func (t *Target) release(c *conn, clean bool, now time.Time) {
	c.used, c.since = true, now
	if clean && !t.retired.Load() {
		c.put()
		if t.retired.Load() {
			// Retired in between: nobody else would close it.
			t.client.CloseIdleConnections()
		}
		return
	}
	c.drop()
}

// Connections returns how many connections there are, and how many are idle.
func (t *Target) Connections() (all, idle int) {
	return t.client.ConnsCount(), t.client.IdleConnsCount()
}

// CloseIdle closes the connections that no request uses.
func (t *Target) CloseIdle() { t.client.CloseIdleConnections() }

// Retire closes idle connections now and the others when their exchange ends.
// Requests that still come are served over connections of their own.
func (t *Target) Retire() {
	t.retired.Store(true)
	t.client.CloseIdleConnections()
}

// dial establishes a connection within the connect timeout, and within what is
// left of the request's own; 0 sets no limit.
func (t *Target) dial(left time.Duration) (net.Conn, error) {
	ctx, limit := context.Background(), t.connect
	if limit == 0 || left > 0 && left < limit {
		limit = left
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	t.dialling()
	raw, a, err := t.dialAny(ctx)
	if err != nil {
		t.observer.Connected(false)
		return nil, err
	}
	t.observer.Connected(true)
	return newConn(raw, a), nil
}

// dialAny tries the target's addresses in turn, starting with another one each
// time, so that all of a name's addresses get their part.
func (t *Target) dialAny(ctx context.Context) (net.Conn, *addrs, error) {
	dialer := net.Dialer{KeepAlive: -1}
	if t.resolver == nil {
		address := t.Address
		if t.network == "unix" {
			address = t.port
		}
		c, err := dialer.DialContext(ctx, t.network, address)
		return c, nil, err
	}
	a, err := t.resolver.get(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err := t.dialEach(ctx, &dialer, a)
	if err == nil {
		return c, a, nil
	}
	if moved := t.resolver.renew(ctx, a); moved != nil {
		c, err = t.dialEach(ctx, &dialer, moved)
		return c, moved, err
	}
	return nil, nil, err
}

func (t *Target) dialEach(ctx context.Context, dialer *net.Dialer, a *addrs) (net.Conn, error) {
	start := t.resolver.next.Add(1)
	var failed error
	for i := range a.ips {
		ip := a.ips[(start+uint32(i))%uint32(len(a.ips))]
		// An address that does not answer leaves time for the others.
		dialer.Timeout = share(ctx, len(a.ips)-i)
		c, err := dialer.DialContext(ctx, t.network, net.JoinHostPort(ip.String(), t.port))
		if err == nil {
			return c, nil
		}
		failed = err
	}
	return nil, failed
}

// share returns one of n equal parts of the time that ctx leaves; 0 sets no limit.
func share(ctx context.Context, n int) time.Duration {
	end, limited := ctx.Deadline()
	if !limited {
		return 0
	}
	return max(time.Until(end)/time.Duration(n), 1)
}
