package sock

import (
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// acceptor listens on an address and accepts by an Acceptor.
func acceptor(t *testing.T, network, address string) (*Acceptor, net.Listener) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Skipf("cannot listen on %s: %v", address, err)
	}
	a, err := NewAcceptor(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(); _ = l.Close() })
	return a, l
}

// TestAcceptorTakesAll accepts whatever waits, one alone or many, before and while
// it is waited for.
func TestAcceptorTakesAll(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "s")
		}
		a, l := acceptor(t, network, address)
		_ = a.SetDeadline(time.Now().Add(time.Minute))
		dial := func() {
			client, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { _ = client.Close() })
		}
		for _, many := range []int{1, 5, 1, 2} {
			for _, before := range []bool{true, false} {
				if before {
					for range many {
						dial()
					}
				} else {
					go func() {
						for range many {
							dial()
						}
					}()
				}
				for i := range many {
					c, err := a.Accept()
					if err != nil {
						t.Fatalf("%s: %d of %d: %v", network, i, many, err)
					}
					_ = c.Close()
				}
			}
		}
		_ = a.SetDeadline(time.Now().Add(time.Millisecond))
		if _, err := a.Accept(); !IsTimeout(err) {
			t.Errorf("%s: Accept without a connection: %v", network, err)
		}
	}
}

func TestAcceptorTakesEach(t *testing.T) {
	a, l := acceptor(t, "tcp", "127.0.0.1:0")
	_ = a.SetDeadline(time.Now().Add(time.Minute))
	dial := func(n int) {
		for range n {
			client, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Close() })
		}
	}
	take := func(n int) {
		t.Helper()
		taken := 0
		err := a.Each(func(c net.Conn) bool {
			_ = c.Close()
			if taken++; taken == 3 && n > 3 {
				dial(1) // while others are taken
			}
			return taken < n
		})
		if err != nil || taken != n {
			t.Errorf("%d of %d were taken: %v", taken, n, err)
		}
	}
	dial(5)
	take(2)
	take(4)
	dial(1)
	take(1)
	_ = a.SetDeadline(Past)
	if err := a.Each(func(net.Conn) bool { return true }); !IsTimeout(err) {
		t.Errorf("with none to take Each ended with %v", err)
	}
	_ = a.Close()
	if err := a.Each(func(net.Conn) bool { return true }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close Each ended with %v", err)
	}
}

func TestAcceptor(t *testing.T) {
	a, l := acceptor(t, "tcp", "127.0.0.1:0")
	_ = a.SetDeadline(Past)
	if _, err := a.Accept(); !IsTimeout(err) {
		t.Errorf("Accept after its deadline: %v", err)
	}
	if _, err := a.AcceptNow(); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("AcceptNow without a connection: %v", err)
	}
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := a.AcceptNow() // the deadline is not its
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = (*rawConn)(c.(*Conn)).Control(func(fd uintptr) {
		if on, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY); on == 0 || err != nil {
			t.Errorf("small writes wait for others: TCP_NODELAY %d, %v", on, err)
		}
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 || err != nil {
			t.Errorf("other programs inherit it: flags %d, %v", flags, err)
		}
	})
	_ = a.SetDeadline(time.Time{})
	ended := make(chan error)
	go func() {
		_, err := a.Accept()
		ended <- err
	}()
	_ = a.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept ended with %v", err)
	}
}
