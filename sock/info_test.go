//go:build linux

package sock_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

// TestUntouched leaves a question unanswered in every way there is: only where
// nobody can have read any of it may it be called untouched.
func TestUntouched(t *testing.T) {
	closeWrite := func(c net.Conn) { _ = c.(interface{ CloseWrite() error }).CloseWrite() }
	reset := func(c net.Conn) {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
	all := func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 500)) }
	cases := []struct {
		name          string
		before, after func(far net.Conn) // the question is written
		untouched     bool               // over TCP
	}{
		{"closed before", func(c net.Conn) { _ = c.Close() }, nil, true},
		{"reset before", reset, nil, false},
		{"closed without reading", nil, func(c net.Conn) { _ = c.Close() }, false},
		{"closed after reading a part", nil, func(c net.Conn) { _, _ = c.Read(make([]byte, 100)); _ = c.Close() }, false},
		{"closed after reading all", nil, func(c net.Conn) { all(c); _ = c.Close() }, false},
		{"reset after reading all", nil, func(c net.Conn) { all(c); reset(c) }, false},
		{"half closed", closeWrite, nil, false},
		{"half closed, and read", closeWrite, all, false},
		{"half closed, read and closed", closeWrite, func(c net.Conn) { all(c); _ = c.Close() }, false},
	}
	for _, network := range []string{"tcp", "unix"} {
		for _, c := range cases {
			t.Run(network+" "+c.name, func(t *testing.T) {
				near, far := pair(t, network)
				s := stream(near)
				talk(t, s, far)
				if c.before != nil {
					c.before(far)
				}
				n, _ := s.Write(make([]byte, 500))
				if c.after != nil {
					c.after(far)
				}
				_, err := s.Read(make([]byte, 10))
				if err == nil {
					t.Fatal("read something")
				}
				got := err == io.EOF && n == 500 && s.Untouched(n)
				if want := c.untouched && network == "tcp"; got != want {
					t.Errorf("untouched: %t, want %t (wrote %d, then %v)", got, want, n, err)
				}
			})
		}
	}
}

// talk has a question answered, as there is one before on every connection used
// again.
func talk(t *testing.T, s *sock.Stream, far net.Conn) {
	t.Helper()
	answered := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(far, make([]byte, 3))
		if err == nil {
			_, err = far.Write([]byte("answer"))
		}
		answered <- err
	}()
	if _, n, err := s.Ask([]byte("ask"), make([]byte, 10)); n != 6 || err != nil {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
}

func TestHeardAgo(t *testing.T) {
	near, far := pair(t, "tcp")
	s := stream(near)
	talk(t, s, far)
	_ = far.Close()
	sees(t, s, sock.Closed)
	closed := time.Now()
	for s.HeardAgo() < 50*time.Millisecond {
		if time.Since(closed) > 10*time.Second {
			t.Fatalf("heard of %v ago", s.HeardAgo())
		}
		time.Sleep(time.Millisecond)
	}
	// The ticks of the kernel's clock are up to 10 ms long.
	if ago, since := s.HeardAgo(), time.Since(closed); ago > since+100*time.Millisecond {
		t.Errorf("heard of %v ago, and it was closed %v ago", ago, since)
	}
	if ago := stream(pipe(t)).HeardAgo(); ago != 0 {
		t.Errorf("a pipe in memory was heard of %v ago", ago)
	}
}

func pipe(t *testing.T) net.Conn {
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	return near
}
