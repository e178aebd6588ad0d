package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

const (
	get   = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
)

// witness counts what an observer is told.
type witness struct {
	mu                       sync.Mutex
	connected, failed, stale int
	reused                   int
	attempts                 []string
}

func (w *witness) Connected(ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ok {
		w.connected++
	} else {
		w.failed++
	}
}

func (w *witness) Stale() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale++
}

func (w *witness) Attempted(r exchange.Reason, reused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if reused {
		w.reused++
	}
	w.attempts = append(w.attempts, r.String())
}

// dials returns how many connections were tried and established.
func (w *witness) dials() (tried, made int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.connected + w.failed, w.connected
}

// bed is a pool whose connections are watched.
type bed struct {
	t *testing.T
	*upstream.Pool
	w *witness
}

// definition is an upstream over the addresses, with defaults as short as tests
// like them, but for what edit changes.
func definition(edit func(*config.Upstream), addresses ...string) config.Upstream {
	def := config.Upstream{Balance: "round_robin"}
	for _, a := range addresses {
		def.Targets = append(def.Targets, config.Target{Address: a, Weight: 1})
	}
	second := config.Duration(10 * time.Second)
	def.Connections = config.Connections{Max: 16, Queue: 16, QueueTimeout: second, IdleTimeout: second}
	def.Timeouts = config.Timeouts{Connect: second, ResponseHeader: second, Idle: second}
	if edit != nil {
		edit(&def)
	}
	return def
}

// pool makes the pool of a definition; lookup nil stands for the system's.
func pool(t *testing.T, def config.Upstream, prev *upstream.Pool, lookup upstream.Lookup) *bed {
	t.Helper()
	b := &bed{t: t, w: &witness{}}
	var err error
	b.Pool, err = upstream.NewPool("u", def, prev, upstream.Options{
		Lookup: lookup, Observe: func(string, string) upstream.Observer { return b.w },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, target := range b.Targets {
			target.Retire()
		}
	})
	return b
}

// nobody is a client that stays.
type nobody struct{}

func (nobody) Gone() bool { return false }

// open opens a trip to the first target.
func (b *bed) open(trip *upstream.Trip) error {
	return trip.Open(b.Targets[0], b.Pool, upstream.ReuseAny, time.Now(), time.Time{})
}

// ask sends a request over an open trip and reads the head of the response.
func (b *bed) ask(trip *upstream.Trip, request string) error {
	now := time.Now()
	if err := trip.Send([]byte(request), now); err != nil {
		return err
	}
	return trip.ReadHead(nobody{}, now, b.ResponseHeader, strings.HasPrefix(request, "HEAD "))
}

// awaitHead reads another response head.
func (b *bed) awaitHead(trip *upstream.Trip) error {
	return trip.ReadHead(nobody{}, time.Now(), b.ResponseHeader, false)
}

// body reads the rest of a response.
func body(trip *upstream.Trip) (string, error) {
	var all strings.Builder
	buf := make([]byte, 4096)
	for {
		data, err := trip.Next(buf)
		all.Write(data)
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
	}
}

func end(trip *upstream.Trip, reuse bool) {
	trip.End(reuse, upstream.Outcome{Now: time.Now()})
}

// get does one whole exchange and gives the connection back.
func (b *bed) get() (string, error) {
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		return "", err
	}
	err := b.ask(&trip, get)
	text := ""
	if err == nil {
		text, err = body(&trip)
	}
	end(&trip, err == nil)
	return text, err
}

// wantHello does one whole exchange that must succeed.
func (b *bed) wantHello() {
	b.t.Helper()
	if text, err := b.get(); err != nil || text != "hello" {
		b.t.Fatalf("answered %q, %v; want hello", text, err)
	}
}

// wantFailure fails unless err is a Failure with the reason.
func wantFailure(t *testing.T, err error, reason exchange.Reason) *upstream.Failure {
	t.Helper()
	var f *upstream.Failure
	if !errors.As(err, &f) || f.Reason != reason {
		t.Fatalf("got %v, want a failure for %s", err, reason)
	}
	return f
}

// origin is a scripted target: handle gets each connection.
func origin(t testing.TB, network, address string, handle func(c net.Conn, br *bufio.Reader)) net.Addr {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); open.Wait() })
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			open.Go(func() {
				defer c.Close()
				handle(c, bufio.NewReader(c))
			})
		}
	})
	return l.Addr()
}

func tcpOrigin(t testing.TB, handle func(c net.Conn, br *bufio.Reader)) string {
	return origin(t, "tcp", "127.0.0.1:0", handle).String()
}

// request reads a request head; false says that the connection has ended.
func request(br *bufio.Reader) bool {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return false
		}
		if line == "\r\n" {
			return true
		}
	}
}

// answering answers every request with the same bytes.
func answering(response string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, br *bufio.Reader) {
		for request(br) {
			if _, err := io.WriteString(c, response); err != nil {
				return
			}
		}
	}
}

// once answers one request and closes. A reset has no end of the stream before it.
func once(response string, reset bool) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, br *bufio.Reader) {
		if request(br) {
			_, _ = io.WriteString(c, response)
		}
		if reset {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
	}
}

// within waits for a condition that nothing tells of.
func within(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// names is a lookup whose answers can be changed.
type names struct {
	mu    sync.Mutex
	ips   []netip.Addr
	err   error
	asked int
}

func (n *names) set(err error, ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ips, n.err = nil, err
	for _, ip := range ips {
		n.ips = append(n.ips, netip.MustParseAddr(ip))
	}
}

func (n *names) lookup(context.Context, string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	return append([]netip.Addr(nil), n.ips...), n.err
}
