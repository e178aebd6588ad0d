package e2e

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

// TestServiceManagerIsTold has systemd's end of NOTIFY_SOCKET.
func TestServiceManagerIsTold(t *testing.T) {
	path := socketPath(t)
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	told := func(want string) {
		t.Helper()
		_ = manager.SetReadDeadline(time.Now().Add(patience))
		buf := make([]byte, 1000)
		n, err := manager.Read(buf)
		if got := string(buf[:n]); err != nil || got != want {
			t.Fatalf("told %q, %v; want %q", got, err, want)
		}
	}
	p := serve(t, `"routes": [{"name": "a", "path": "/", "respond": {}}]`)
	told("READY=1")
	p.upgrade()
	told(fmt.Sprintf("MAINPID=%d\nREADY=1", p.next.Pid))
	p.signal(syscall.SIGTERM)
	told("STOPPING=1")
	p.exit()
}
