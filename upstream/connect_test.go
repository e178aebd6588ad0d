package upstream_test

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
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
	err := trip.Open(b.Targets[0], b.Pool, upstream.ReuseAny, begun, begun.Add(50*time.Millisecond))
	wantFailure(t, err, exchange.ConnectTimeout)
	if took := time.Since(begun); took < 50*time.Millisecond || took > 9*time.Second {
		t.Errorf("gave up after %v, with 50ms left and a connect timeout of 10s", took)
	}
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
