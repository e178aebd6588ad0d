package upstream

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/sock"
)

// TestUnusedConnectionIsLookedAt: a connection that came too late for the request
// which waited for it lies in the pool without having been used, and may be closed
// there as any other.
func TestUnusedConnectionIsLookedAt(t *testing.T) {
	for range 20 {
		if unusedConnection(t) {
			return
		}
	}
	t.Fatal("the request dialled itself instead of waiting, twenty times")
}

// unusedConnection is one attempt; false says that the request came too late to wait,
// as happens on a busy machine.
func unusedConnection(t *testing.T) (shown bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	second := config.Duration(10 * time.Second)
	p, err := NewPool("u", config.Upstream{
		Balance: "round_robin", Targets: []config.Target{{Address: l.Addr().String(), Weight: 1}},
		Connections: config.Connections{Max: 1, Queue: 1, QueueTimeout: second, IdleTimeout: second},
		Timeouts:    config.Timeouts{Connect: second, ResponseHeader: second, Idle: second},
	}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	target := p.Targets[0]
	defer target.Retire()
	dials, goOn, late := 0, make(chan struct{}), make(chan *conn, 1)
	dial := target.client.DialTimeout
	target.client.DialTimeout = func(_ string, left time.Duration) (net.Conn, error) {
		dials++ // one after the other, all connections being busy
		c, err := dial("", left)
		if dials == 2 {
			<-goOn
			late <- c.(*conn)
		}
		return c, err
	}
	acquire := func(within time.Duration) (*conn, error) {
		return target.acquire(time.Now(), within, 1, ReuseAny)
	}
	first, err := acquire(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := acquire(50 * time.Millisecond)
		waited <- err
	}()
	// Its place is dialled for anew, but only for one who waits by then.
	time.AfterFunc(20*time.Millisecond, first.drop)
	select {
	case err := <-waited:
		if err == nil {
			t.Fatal("given a connection that is busy")
		}
	case <-time.After(10 * time.Second):
		close(goOn)
		return false
	}
	_, _ = l.Accept()
	close(goOn)
	unused := <-late
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, idle := target.Connections(); idle == 0; _, idle = target.Connections() {
		runtime.Gosched()
	}
	_ = far.Close()
	for unused.stream.Look() == sock.Quiet {
		runtime.Gosched()
	}
	c, err := acquire(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if c == unused || c.stream.Look() != sock.Quiet {
		t.Error("given a connection that the target has closed")
	}
	c.drop()
	return true
}
