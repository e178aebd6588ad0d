package server_test

import (
	"context"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluiceproxy/sluice/server"
)

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
