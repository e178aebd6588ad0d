package upstream

import (
	"net"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

// conn is one connection to a target. It is in use by one exchange at a time.
type conn struct {
	net.Conn
	peeker *sock.Peeker
	read   sock.Deadline
	write  sock.Deadline
	born   time.Time
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
	return c.peeker == nil || c.peeker.Look() == sock.Quiet
}

func newConn(raw net.Conn, a *addrs) *conn {
	return &conn{Conn: raw, peeker: sock.NewPeeker(raw), born: time.Now(), addrs: a}
}
