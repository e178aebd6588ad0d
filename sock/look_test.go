package sock_test

import (
	"io"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

// pair returns both ends of a connection over the given network.
func pair(t testing.TB, network string) (near, far net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	if near, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	far = <-accepted
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// sees waits until a look shows want, which may take the other end's bytes a moment.
func sees(t *testing.T, p *sock.Stream, want sock.State) {
	t.Helper()
	seesAny(t, p, func(got sock.State) bool { return got == want })
}

// seesDead waits until a look shows that the connection is of no more use.
func seesDead(t *testing.T, p *sock.Stream) {
	t.Helper()
	seesAny(t, p, func(got sock.State) bool { return got != sock.Quiet && got != sock.Bytes })
}

func seesAny(t *testing.T, p *sock.Stream, wanted func(sock.State) bool) {
	t.Helper()
	var got sock.State
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); runtime.Gosched() {
		if got = p.Look(); wanted(got) {
			return
		}
	}
	t.Fatalf("still sees %d", got)
}

func TestLook(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			near, far := pair(t, network)
			p := stream(near)
			for range 3 {
				if got := p.Look(); got != sock.Quiet {
					t.Fatalf("a quiet connection shows %d", got)
				}
			}
			if _, err := far.Write([]byte("ab")); err != nil {
				t.Fatal(err)
			}
			sees(t, p, sock.Bytes)
			buf := make([]byte, 2)
			if _, err := io.ReadFull(near, buf); err != nil || string(buf) != "ab" {
				t.Fatalf("after the look %q, %v can be read; want ab", buf, err)
			}
			sees(t, p, sock.Quiet)
			_ = far.Close()
			sees(t, p, sock.Closed)
			_ = near.Close()
			seesDead(t, p)
		})
	}
}

// TestLookSeesBytesBeforeTheEnd looks at a peer that said something and left.
func TestLookSeesBytesBeforeTheEnd(t *testing.T) {
	near, far := pair(t, "tcp")
	p := stream(near)
	_, _ = far.Write([]byte("x"))
	_ = far.Close()
	sees(t, p, sock.Bytes)
	_, _ = near.Read(make([]byte, 8))
	sees(t, p, sock.Closed)
}

func TestLookSeesAReset(t *testing.T) {
	near, far := pair(t, "tcp")
	p := stream(near)
	_ = far.(*net.TCPConn).SetLinger(0)
	_ = far.Close()
	seesDead(t, p)
}

// TestLookAfterAnExpiredDeadline: an idle connection's deadlines have often
// passed, which says nothing of the connection.
func TestLookAfterAnExpiredDeadline(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		near, far := pair(t, network)
		p := stream(near)
		_ = near.SetDeadline(sock.Past)
		if got := p.Look(); got != sock.Quiet {
			t.Errorf("%s: a quiet connection with an expired deadline shows %d", network, got)
		}
		_, _ = far.Write([]byte("x"))
		sees(t, p, sock.Bytes)
	}
}

func TestLookNeedsASocket(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if stream(a).Look() != sock.Quiet {
		t.Error("a pipe in memory has no socket to look at")
	}
}

func TestNothingAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	near, _ := pair(t, "tcp")
	p := stream(near)
	if n := testing.AllocsPerRun(100, func() { p.Look() }); n != 0 {
		t.Errorf("a look makes %v allocations", n)
	}
	var l sock.Deadline
	set := near.SetReadDeadline
	if n := testing.AllocsPerRun(100, func() { l.Reach(time.Now(), time.Minute, set) }); n != 0 {
		t.Errorf("reaching a deadline makes %v allocations", n)
	}
}
