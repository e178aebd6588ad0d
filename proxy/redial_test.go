package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestConnectsOnceMore: the only target's kernel drops the first packet of a
// connection, as one does whose queue of connections is full.
func TestConnectsOnceMore(t *testing.T) {
	l := shortQueue(t)
	addr := l.Addr().String()
	b := serve(t, over(`"timeouts": { "connect": "1500ms" }`, addr))
	// The kernel sends again after a second what was dropped. Two fill a queue of length 1; what comes then is dropped.
	for range 2 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	c := b.dial()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
	failures := fmt.Sprintf(`sluice_target_requests_total{result="connect_timeout",target=%q,upstream="u"}`, addr)
	for begun := time.Now(); b.series(failures) != "1"; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Skip("the kernel took a third connection into a queue for one")
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := readHead(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}()
		}
	}()
	if status := readAnswer(t, bufio.NewReader(c)); status != 200 {
		t.Errorf("answered %d, want 200 at the second try", status)
	}
}

// shortQueue listens with a queue for one connection.
func shortQueue(t *testing.T) net.Listener {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	l, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
