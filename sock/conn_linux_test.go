package sock

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// accepted returns both ends of a connection.
func accepted(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	a, l := acceptor(t, "tcp", "127.0.0.1:0")
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = c.Close() })
	return c.(*Conn), client.(*net.TCPConn)
}

// awaitBytes waits until there is something to read from c.
func awaitBytes(t *testing.T, c *Conn) {
	t.Helper()
	err := (*rawConn)(c).Control(func(fd uintptr) {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConnIsPolledOnlyToWait(t *testing.T) {
	c, client := accepted(t)
	var s Stream
	s.Init(c)
	buf := make([]byte, 16)
	if n, err := s.TryRead(buf); n != 0 || err != nil {
		t.Fatalf("nothing sent, and read %d, %v", n, err)
	}
	_, _ = client.Write([]byte("question"))
	awaitBytes(t, c)
	if n, err := s.Read(buf); string(buf[:n]) != "question" || err != nil {
		t.Fatalf("read %q, %v", buf[:n], err)
	}
	if _, err := s.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	if c.polled.Load() != nil {
		t.Error("the poller knows a connection that was never waited for")
	}
	go func() { _, _ = client.Write([]byte("another")) }()
	if n, err := s.Read(buf); string(buf[:n]) != "another" || err != nil {
		t.Fatalf("read %q, %v", buf[:n], err)
	}
	_ = client.CloseWrite()
	awaitBytes(t, c)
	if n, err := s.TryRead(buf); n != 0 || err != io.EOF {
		t.Fatalf("read %d, %v at the end", n, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
		t.Errorf("client read %q, %v", got, err)
	}
	if _, err := s.Read(buf); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}

func TestConnDeadlines(t *testing.T) {
	c, client := accepted(t)
	var s Stream
	s.Init(c)
	_, _ = client.Write([]byte("x"))
	awaitBytes(t, c)
	_ = c.SetReadDeadline(Past)
	if _, err := s.Read(make([]byte, 1)); !IsTimeout(err) {
		t.Errorf("read after its deadline: %v", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read %d, %v once there is no deadline", n, err)
	}
	// Set before the connection is polled, and in force when it is.
	_ = c.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := s.Read(make([]byte, 1)); !IsTimeout(err) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); !IsTimeout(err) {
		t.Errorf("Conn.Read: %v", err)
	}
	if _, err := c.Write([]byte("x")); !IsTimeout(err) {
		t.Errorf("Conn.Write: %v", err)
	}
	// From another goroutine, while it waits.
	_ = c.SetDeadline(time.Time{})
	go func() { _ = c.SetReadDeadline(Past) }()
	if _, err := s.Read(make([]byte, 1)); !IsTimeout(err) {
		t.Errorf("read: %v", err)
	}
}

func TestConnBlockedWrite(t *testing.T) {
	c, client := accepted(t)
	var s Stream
	blocked := make(chan struct{}, 1)
	s.OnBlockedWrite(func() {
		select {
		case blocked <- struct{}{}:
		default:
		}
	})
	s.Init(c)
	sent := make([]byte, 16<<20)
	for i := range sent {
		sent[i] = byte(i >> 8)
	}
	go func() {
		_, _ = s.Write(sent)
		_ = c.Close()
	}()
	<-blocked
	got, err := io.ReadAll(client)
	if err != nil || string(got) != string(sent) {
		t.Errorf("%d of %d bytes came, %v", len(got), len(sent), err)
	}
}

// TestConnRests: a connection that the poller has forgotten works as before.
func TestConnRests(t *testing.T) {
	c, client := accepted(t)
	ping := func() {
		t.Helper()
		var s Stream
		s.Init(c)
		go func() { _, _ = client.Write([]byte("ping")) }()
		buf := make([]byte, 4)
		if _, err := io.ReadFull(&s, buf); err != nil || string(buf) != "ping" {
			t.Fatalf("read %q, %v", buf, err)
		}
		if _, err := s.Write([]byte("pong")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, buf); err != nil || string(buf) != "pong" {
			t.Fatalf("the client read %q, %v", buf, err)
		}
	}
	for range 3 {
		ping()
		if _, err := c.poll(); err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Hour))
		if err := c.Rest(); err != nil || c.polled.Load() != nil {
			t.Fatalf("the poller still knows it: %v", err)
		}
	}
	ping()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the client read %d, %v", n, err)
	}
}

func TestConnCloseEndsWaiting(t *testing.T) {
	c, _ := accepted(t)
	var s Stream
	s.Init(c)
	failed := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 1))
		failed <- err
	}()
	for c.polled.Load() == nil {
		runtime.Gosched()
	}
	_ = c.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read ended with %v", err)
	}
	if err := c.Close(); err == nil {
		t.Error("closed twice without an error")
	}
}

// TestConnCloseBesideUse closes connections while others use them: no operation
// may reach a descriptor that is another's by then.
func TestConnCloseBesideUse(t *testing.T) {
	a, l := acceptor(t, "tcp", "127.0.0.1:0")
	for range 300 {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		nc, err := a.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c := nc.(*Conn)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				var s Stream
				s.Init(c)
				for s.Look() != Broken {
				}
			})
		}
		wg.Go(func() {
			_ = c.Close()
			// The number is free now: whoever still looked at it would see a file.
			f, err := os.Open(os.DevNull)
			if err == nil {
				_ = f.Close()
			}
		})
		if got, err := io.ReadAll(client); len(got) > 0 || err != nil {
			t.Fatalf("client read %q, %v", got, err)
		}
		wg.Wait()
		_ = client.Close()
	}
}

func TestConnEndsAndResets(t *testing.T) {
	c, client := accepted(t)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("client read %d, %v after the end", n, err)
	}
	c, client = accepted(t)
	if err := c.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("client read: %v, not a reset", err)
	}
	if err := c.CloseWrite(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("CloseWrite after close: %v", err)
	}
}

func TestConnAddresses(t *testing.T) {
	for _, listen := range []struct{ network, address, dial string }{
		{"tcp", "127.0.0.1:0", "127.0.0.1"},
		{"tcp", ":0", "127.0.0.1"},
		{"tcp", "[::1]:0", "::1"},
		{"unix", filepath.Join(t.TempDir(), "s"), ""},
	} {
		a, l := acceptor(t, listen.network, listen.address)
		to := l.Addr().String()
		if listen.dial != "" {
			_, port, _ := net.SplitHostPort(to)
			to = net.JoinHostPort(listen.dial, port)
		}
		client, err := net.Dial(listen.network, to)
		if err != nil {
			t.Fatal(err)
		}
		c, err := a.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if listen.network == "tcp" {
			if got, want := c.RemoteAddr().String(), client.LocalAddr().String(); got != want {
				t.Errorf("%s: the peer is %s, not %s", listen.address, got, want)
			}
		} else if c.(*Conn).Peer().IsValid() {
			t.Errorf("a unix peer has the address %v", c.(*Conn).Peer())
		}
		if got, want := c.LocalAddr().String(), client.RemoteAddr().String(); got != want {
			t.Errorf("%s: the local address is %s, not %s", listen.address, got, want)
		}
		_ = c.Close()
		_ = client.Close()
	}
}
