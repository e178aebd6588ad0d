package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

// at is a listener on the port of another one.
func at(ip, other string) string {
	_, port, _ := net.SplitHostPort(other)
	return net.JoinHostPort(ip, port)
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

func TestNameMoves(t *testing.T) {
	old := tcpOrigin(t, answering(hello))
	origin(t, "tcp", at("127.0.0.2", old), answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew"))
	dns := &names{}
	dns.set(nil, "127.0.0.1")
	b := pool(t, definition(nil, "app.test:"+port(old)), nil, dns.lookup)
	b.wantHello()
	b.wantHello()
	if dns.asked != 1 {
		t.Errorf("asked %d times for two requests, want once", dns.asked)
	}
	dns.set(nil, "127.0.0.2")
	expire(t, b, "new")
	if _, idle := b.Targets[0].Connections(); idle != 1 {
		t.Errorf("%d idle connections; those to the old address are not dropped", idle)
	}
	// While the DNS fails, the last answer stays in use.
	dns.set(errors.New("servfail"))
	before := dns.asked
	expireUntil(t, b, func() bool { return dns.count() > before })
	if text, err := b.get(); err != nil || text != "new" {
		t.Errorf("while the DNS fails: %q, %v; want new", text, err)
	}
}

// TestNameMovesAsItDies has a name move between two look-ups: the request that
// finds the old address dead is served by the new one.
func TestNameMovesAsItDies(t *testing.T) {
	good := tcpOrigin(t, answering(hello))
	dns := &names{}
	b := pool(t, definition(nil, "app.test:"+port(good)), nil, func(ctx context.Context, host string) ([]netip.Addr, error) {
		if dns.count() == 0 {
			dns.set(nil, "127.0.0.3") // refuses
		} else {
			dns.set(nil, "127.0.0.1")
		}
		return dns.lookup(ctx, host)
	})
	b.wantHello()
	if n := dns.count(); n != 2 {
		t.Errorf("asked %d times, want twice", n)
	}
}

// TestDeadNameIsAskedForSeldom: an address that refuses every request does not
// have the DNS asked for every request.
func TestDeadNameIsAskedForSeldom(t *testing.T) {
	for _, failing := range []error{nil, errors.New("servfail")} {
		refuses := tcpOrigin(t, answering(hello)) // but on another address
		dns := &names{}
		dns.set(nil, "127.0.0.3")
		b := pool(t, definition(nil, "app.test:"+port(refuses)), nil, dns.lookup)
		begun := time.Now()
		for range 100 {
			wantFailure(t, b.open(&upstream.Trip{}), exchange.ConnectFailed)
			dns.set(failing, "127.0.0.3")
		}
		if most := 3 + int(time.Since(begun)/time.Second); dns.count() > most {
			t.Errorf("asked %d times, want %d at most", dns.count(), most)
		}
	}
}

func (n *names) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

// expire sends requests that believe to be sent ever later, so that names are
// asked for again, until one is answered with want.
func expire(t *testing.T, b *bed, want string) {
	t.Helper()
	var got string
	expireUntil(t, b, func() bool { got, _ = b.get(); return got == want })
}

func expireUntil(t *testing.T, b *bed, condition func() bool) {
	t.Helper()
	later := time.Now()
	within(t, "the name is asked for again", func() bool {
		later = later.Add(time.Minute)
		var trip upstream.Trip
		if err := trip.Open(b.Targets[0], b.Pool, upstream.ReuseAny, later, time.Time{}); err == nil {
			end(&trip, false)
		}
		return condition()
	})
}

func TestNameWithSeveralAddresses(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	count := func(c net.Conn, br *bufio.Reader) {
		mu.Lock()
		host, _, _ := net.SplitHostPort(c.LocalAddr().String())
		seen[host]++
		mu.Unlock()
		once("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", false)(c, br)
	}
	first := tcpOrigin(t, count)
	origin(t, "tcp", at("127.0.0.2", first), count)
	dns := &names{}
	// The third refuses, and must not be noticed.
	dns.set(nil, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	b := pool(t, definition(nil, "app.test:"+port(first)), nil, dns.lookup)
	for range 12 {
		b.wantHello()
	}
	mu.Lock()
	defer mu.Unlock()
	if seen["127.0.0.1"] < 4 || seen["127.0.0.2"] < 4 {
		t.Errorf("connections %v, want them spread over both", seen)
	}
}

// TestAddressThatHangs leaves time for the next one.
func TestAddressThatHangs(t *testing.T) {
	good := tcpOrigin(t, answering(hello))
	deaf(t, at("127.0.0.2", good))
	dns := &names{}
	dns.set(nil, "127.0.0.1", "127.0.0.2")
	def := definition(func(d *config.Upstream) { d.Timeouts.Connect = config.Duration(200 * time.Millisecond) },
		"app.test:"+port(good))
	b := pool(t, def, nil, dns.lookup)
	for range 2 { // one of them begins with the address that hangs
		var trip upstream.Trip
		if err := b.open(&trip); err != nil {
			t.Fatal(err)
		}
		end(&trip, false)
	}
}

func TestNameUnknown(t *testing.T) {
	for _, err := range []error{&net.DNSError{Err: "no such host", Name: "app.test", IsNotFound: true}, nil} {
		dns := &names{}
		dns.set(err)
		b := pool(t, definition(nil, "app.test:80"), nil, dns.lookup)
		f := wantFailure(t, b.open(&upstream.Trip{}), exchange.ConnectFailed)
		if !f.Unsent {
			t.Error("the request is taken for sent")
		}
	}
}

func TestLookupThatHangs(t *testing.T) {
	def := definition(func(d *config.Upstream) { d.Timeouts.Connect = config.Duration(50 * time.Millisecond) }, "app.test:80")
	b := pool(t, def, nil, func(ctx context.Context, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	failed := make(chan error)
	const requests = 8
	begun := time.Now()
	for range requests {
		go func() { failed <- b.open(&upstream.Trip{}) }()
	}
	for range requests {
		wantFailure(t, <-failed, exchange.ConnectTimeout)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("%d requests at once took %v to fail", requests, took)
	}
}
