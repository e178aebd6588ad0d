package upstream

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

// TestHeldRequestIsNotForgotten: where the deadline of a first wait passes before
// the request that is held back was sent, as when the machine stands still, the
// next wait sends it.
func TestHeldRequestIsNotForgotten(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		far, err := l.Accept()
		if err != nil {
			return
		}
		defer far.Close()
		if _, err := io.ReadFull(far, make([]byte, 7)); err == nil {
			_, _ = far.Write([]byte("answer"))
		}
		_, _ = io.Copy(io.Discard, far)
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c := newConn(raw, nil)
	c.held = []byte("request")
	_ = raw.SetReadDeadline(sock.Past)
	buf := make([]byte, 10)
	if n, err := c.Read(buf); n != 0 || !sock.IsTimeout(err) || c.wrote != 0 {
		t.Fatalf("read %d, %v, wrote %d; want a timeout before all", n, err, c.wrote)
	}
	_ = raw.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.Read(buf); string(buf[:n]) != "answer" || err != nil || c.wrote != 7 {
		t.Errorf("read %q, %v, wrote %d", buf[:n], err, c.wrote)
	}
	if c.held != nil {
		t.Error("the request would be sent again")
	}
}
