package server_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/server"
)

// TestDeferredConnections come when they have sent something, or after a while, and a
// reload changes it.
func TestDeferredConnections(t *testing.T) {
	e := newEdge(t, nil)
	use := func(deferred bool) {
		t.Helper()
		change, err := e.Prepare(context.Background(), []config.Listener{{Address: here, DeferAccept: deferred}}, limits(nil))
		if err != nil {
			t.Fatal(err)
		}
		change.Commit()
	}
	use(true)
	silent := e.dial(here)
	for range 10 {
		e.dial(here).send(last).ok()
	}
	within(t, "only the silent one is left", func() bool { return e.Open() <= 1 })
	within(t, "the silent one is open", func() bool { return e.Open() == 1 })
	silent.send(last).ok()
	within(t, "all are closed", func() bool { return e.Open() == 0 })
	late := e.dial(here)
	runtime.Gosched()
	late.send("GET / HT").send("TP/1.1\r\nHost: a\r\n\r\n").ok()
	_ = late.Close()
	use(false)
	silent = e.dial(here)
	within(t, "one is open at once", func() bool { return e.Open() == 1 })
	silent.send(last).ok()
}

// TestListenersArePlainTCP: multipath TCP, which Go's listeners speak by default, makes
// accepting dearer.
func TestListenersArePlainTCP(t *testing.T) {
	l, err := server.Listen(context.Background(), here)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		if kind, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PROTOCOL); kind != unix.IPPROTO_TCP || err != nil {
			t.Errorf("the socket's protocol is %d, %v; want %d", kind, err, unix.IPPROTO_TCP)
		}
	})
}
