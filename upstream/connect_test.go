package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	for _, address := range []string{l.Addr().String(), "unix:" + filepath.Join(t.TempDir(), "none")} {
		b := pool(t, definition(nil, address), nil, nil)
		var trip upstream.Trip
		f := wantFailure(t, b.open(&trip), exchange.ConnectFailed)
		if !f.Unsent || f.Stale || trip.IsOpen() {
			t.Errorf("%s: failure %+v, open %v; want unsent, not stale, closed", address, f, trip.IsOpen())
		}
		if n := b.Targets[0].Node.InFlight(); n != 0 {
			t.Errorf("%d requests in flight, want 0", n)
		}
		if tried, made := b.w.dials(); tried != 1 || made != 0 {
			t.Errorf("told of %d dials, %d made; want 1, 0", tried, made)
		}
	}
}

func TestUnixTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	origin(t, "unix", path, answering(hello))
	b := pool(t, definition(nil, "unix:"+path), nil, nil)
	b.wantHello()
	b.wantHello()
	if _, made := b.w.dials(); made != 1 {
		t.Errorf("%d connections for 2 requests, want 1", made)
	}
	if got := string(b.Targets[0].HostField); got != "localhost" {
		t.Errorf("Host of a unix target is %q", got)
	}
}

// deaf returns an address of 127.0.0.0/8 whose listener's queue is full, so that
// the kernel lets connections to it hang.
func deaf(t *testing.T, address string) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	to := netip.MustParseAddrPort(address)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address = net.JoinHostPort(to.Addr().String(), strconv.Itoa(at.(*syscall.SockaddrInet4).Port))
	for range 8 {
		c, err := net.DialTimeout("tcp", address, 50*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Skip("this system's queue of connections cannot be filled")
	return ""
}

func TestConnectTimeout(t *testing.T) {
	const limit = 50 * time.Millisecond
	def := definition(func(d *config.Upstream) { d.Timeouts.Connect = config.Duration(limit) }, deaf(t, "127.0.0.1:0"))
	b := pool(t, def, nil, nil)
	begun := time.Now()
	var trip upstream.Trip
	f := wantFailure(t, b.open(&trip), exchange.ConnectTimeout)
	if took := time.Since(begun); took < limit {
		t.Errorf("gave up after %v, want no sooner than %v", took, limit)
	}
	if !f.Unsent {
		t.Error("the request is taken for sent")
	}
}

// TestConnectEndsWithTheRequest: the time for the whole request bounds connecting.
func TestConnectEndsWithTheRequest(t *testing.T) {
	b := pool(t, definition(nil, deaf(t, "127.0.0.1:0")), nil, nil)
	begun := time.Now()
	var trip upstream.Trip
	err := trip.Open(b.Targets[0], b.Pool, begun, begun.Add(50*time.Millisecond))
	wantFailure(t, err, exchange.ConnectTimeout)
	if took := time.Since(begun); took < 50*time.Millisecond || took > 9*time.Second {
		t.Errorf("gave up after %v, with 50ms left and a connect timeout of 10s", took)
	}
}

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
		if err := trip.Open(b.Targets[0], b.Pool, later, time.Time{}); err == nil {
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

// TestQueue has one connection and lets others wait for it.
func TestQueue(t *testing.T) {
	def := definition(func(d *config.Upstream) {
		d.Connections.Max, d.Connections.Queue = 1, 1
	}, tcpOrigin(t, answering(hello)))
	b := pool(t, def, nil, nil)
	var holder upstream.Trip
	if err := b.open(&holder); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := b.get()
		waited <- err
	}()
	within(t, "a request waits", func() bool { return b.Targets[0].Node.InFlight() == 2 })
	f := wantFailure(t, b.open(&upstream.Trip{}), exchange.QueueFull)
	if !f.Unsent {
		t.Error("the request is taken for sent")
	}
	if err := b.ask(&holder, get); err != nil {
		t.Fatal(err)
	}
	_, _ = body(&holder)
	select {
	case err := <-waited:
		t.Fatalf("the waiting request ended with %v before a connection was free", err)
	default:
	}
	end(&holder, true)
	if err := <-waited; err != nil {
		t.Errorf("the waiting request: %v", err)
	}
	if _, made := b.w.dials(); made != 1 {
		t.Errorf("%d connections, want 1", made)
	}
	if n := b.Targets[0].Node.InFlight(); n != 0 {
		t.Errorf("%d requests in flight, want 0", n)
	}
}

// TestQueueGoesOnWhenAConnectionDies: the waiting request gets a new one.
func TestQueueGoesOnWhenAConnectionDies(t *testing.T) {
	def := definition(func(d *config.Upstream) { d.Connections.Max = 1 }, tcpOrigin(t, answering(hello)))
	b := pool(t, def, nil, nil)
	var holder upstream.Trip
	if err := b.open(&holder); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := b.get()
		waited <- err
	}()
	within(t, "a request waits", func() bool { return b.Targets[0].Node.InFlight() == 2 })
	end(&holder, false)
	if err := <-waited; err != nil {
		t.Errorf("the waiting request: %v", err)
	}
}

func TestQueueTimeout(t *testing.T) {
	const limit = 50 * time.Millisecond
	for _, c := range []struct {
		name  string
		queue time.Duration
		left  time.Duration // of the whole request; 0 for no limit
	}{{"queue_timeout", limit, 0}, {"the request's own", 10 * time.Second, limit}} {
		def := definition(func(d *config.Upstream) {
			d.Connections.Max, d.Connections.QueueTimeout = 1, config.Duration(c.queue)
		}, tcpOrigin(t, answering(hello)))
		b := pool(t, def, nil, nil)
		var holder upstream.Trip
		if err := b.open(&holder); err != nil {
			t.Fatal(err)
		}
		begun, until := time.Now(), time.Time{}
		if c.left > 0 {
			until = begun.Add(c.left)
		}
		var trip upstream.Trip
		wantFailure(t, trip.Open(b.Targets[0], b.Pool, begun, until), exchange.QueueTimeout)
		if took := time.Since(begun); took < limit || took > 9*time.Second {
			t.Errorf("%s: gave up after %v, want about %v", c.name, took, limit)
		}
		end(&holder, false)
		b.wantHello()
	}
}

func TestNoQueue(t *testing.T) {
	def := definition(func(d *config.Upstream) {
		d.Connections.Max, d.Connections.QueueTimeout = 1, 0
	}, tcpOrigin(t, answering(hello)))
	b := pool(t, def, nil, nil)
	var holder upstream.Trip
	if err := b.open(&holder); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, b.open(&upstream.Trip{}), exchange.QueueFull)
	end(&holder, false)
	b.wantHello()
}

// TestStaleConnectionIsNotUsed lets the origin end or spoil a connection while it
// is idle: the next request takes a new one and notices nothing.
func TestStaleConnectionIsNotUsed(t *testing.T) {
	cases := map[string]func(c net.Conn){
		"closed": func(c net.Conn) { _ = c.Close() },
		"reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"spoiled": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		},
		"timed out": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
			_ = c.Close()
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			conns := make(chan net.Conn, 2)
			addr := tcpOrigin(t, func(c net.Conn, br *bufio.Reader) {
				conns <- c
				answering(hello)(c, br)
			})
			b := pool(t, definition(nil, addr), nil, nil)
			b.wantHello()
			spoil(<-conns)
			var text string
			var err error
			within(t, "the connection is dropped", func() bool {
				// On a busy machine, what the origin did may arrive only after
				// the look at the connection, and the request go wrong.
				text, err = b.get()
				_, made := b.w.dials()
				return made == 2
			})
			if text != "hello" || err != nil {
				t.Errorf("answered %q, %v", text, err)
			}
			b.w.mu.Lock()
			defer b.w.mu.Unlock()
			if b.w.stale != 1 {
				t.Errorf("told of %d stale connections, want 1", b.w.stale)
			}
		})
	}
}

// TestQueueOfANewTarget: requests that are still under way on the connections of
// the target before do not count.
func TestQueueOfANewTarget(t *testing.T) {
	addr := tcpOrigin(t, answering(hello))
	before := pool(t, definition(nil, addr), nil, nil)
	var trips [8]upstream.Trip
	for i := range trips {
		if err := before.open(&trips[i]); err != nil {
			t.Fatal(err)
		}
	}
	after := pool(t, definition(func(d *config.Upstream) {
		d.Connections.Max, d.Connections.Queue = 1, 1
	}, addr), before.Pool, nil)
	after.wantHello()
	for i := range trips {
		end(&trips[i], false)
	}
	if n := after.Targets[0].Node.InFlight(); n != 0 {
		t.Errorf("%d requests in flight, want 0", n)
	}
}
