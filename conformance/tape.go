package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// bell tells those who wait that something has arrived. One mutex guards all
// that is heard in a play.
type bell struct {
	sync.Mutex
	rung chan struct{} // closed, and made anew, by each ring
}

func newBell() *bell { return &bell{rung: make(chan struct{})} }

// ring must be called with the lock held.
func (b *bell) ring() {
	close(b.rung)
	b.rung = make(chan struct{})
}

var errTimeout = errors.New("nothing")

// await waits until ready, which is called with the lock held, reports true.
func (b *bell) await(within time.Duration, ready func() bool) error {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		b.Lock()
		ok, rung := ready(), b.rung
		b.Unlock()
		if ok {
			return nil
		}
		select {
		case <-rung:
		case <-timeout.C:
			return errTimeout
		}
	}
}

// tape is a connection and all that was received on it.
type tape struct {
	net.Conn
	bell *bell
	// Guarded by bell.
	all  []byte
	used int // of all, by steps
	// aside says that an answer has gone out before the request's end, whose rest
	// may still come.
	aside bool
	end   error // io.EOF or a reset; nil while the peer's side is open
}

// record starts to read from c until its end.
func record(c net.Conn, b *bell) *tape {
	t := &tape{Conn: c, bell: b}
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := c.Read(buf)
			b.Lock()
			t.all = append(t.all, buf[:n]...)
			t.end = err
			b.ring()
			b.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return t
}

// rest returns what no step has used yet; the lock must be held.
func (t *tape) rest() string { return string(t.all[t.used:]) }

func (t *tape) write(s string) error {
	_ = t.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := t.Write([]byte(s))
	return err
}

// reset closes the connection so that the peer is told of it by a reset.
func (t *tape) reset() {
	_ = t.Conn.(*net.TCPConn).SetLinger(0)
	_ = t.Close()
}

// brief shortens what is quoted in a result.
func brief(s string) string {
	const most = 48
	q := fmt.Sprintf("%q", s)
	if len(q) > most {
		q = q[:most-1] + `…"`
	}
	return q
}
