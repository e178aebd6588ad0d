package upstream

import (
	"net"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

// conn is one connection to a target. It is in use by one exchange at a time.
type conn struct {
	net.Conn
	stream sock.Stream
	read   sock.Deadline
	write  sock.Deadline
	born   time.Time
	held   []byte // a request that the next read sends first
	unsent bool   // nothing of it could be sent
	// addrs is the resolution it was dialled from; nil for an address that
	// needs none.
	addrs *addrs
	used  bool // an exchange has ended on it

	// put and drop give it back to the pool, to be kept or closed.
	put, drop func()
}

// fresh reports whether the connection can carry another request: the target has
// neither closed it nor sent bytes nobody asked for.
func (c *conn) fresh(t *Target, now time.Time) bool {
	if age := t.maxAge; age > 0 && now.Sub(c.born) > age {
		return false
	}
	if current := t.resolver.current(now); current != c.addrs && !current.has(c.Conn.RemoteAddr()) {
		return false
	}
	return c.stream.Look() == sock.Quiet
}

// Read reads; if a request is held back it is sent first, by the way, so that
// there is no look for an answer that cannot be there yet.
func (c *conn) Read(p []byte) (int, error) {
	if c.held == nil {
		return c.stream.Read(p)
	}
	wrote, n, err := c.stream.Ask(c.held, p)
	c.unsent = wrote == 0
	c.held = nil
	return n, err
}

func (c *conn) Write(p []byte) (int, error) { return c.stream.Write(p) }

func newConn(raw net.Conn, a *addrs) *conn {
	c := &conn{Conn: raw, born: time.Now(), addrs: a}
	c.stream.Init(raw)
	return c
}
