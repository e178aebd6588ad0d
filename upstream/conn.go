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
	held   []byte        // a request that the next read sends first
	wrote  int           // bytes of the request that were written
	since  time.Time     // when its last exchange ended
	keeps  time.Duration // how long the target has said that it keeps it idle; 0: it has not
	// addrs is the resolution it was dialled from; nil for an address that
	// needs none.
	addrs *addrs
	used  bool // an exchange has ended on it

	// put and drop give it back to the pool, to be kept or closed.
	put, drop func()
}

// expired reports whether the connection is too old, or was dialled to an address
// that the target has no longer, or will be closed by the target any moment.
func (c *conn) expired(t *Target, idle time.Duration, now time.Time) bool {
	if age := t.maxAge; age > 0 && now.Sub(c.born) > age {
		return true
	}
	if c.keeps > 0 && idle > c.keeps-announcedMargin(c.keeps) {
		return true
	}
	current := t.resolver.current(now)
	return current != c.addrs && !current.has(c.Conn.RemoteAddr())
}

// Read reads; if a request is held back it is sent first, by the way, so that
// there is no look for an answer that cannot be there yet.
func (c *conn) Read(p []byte) (int, error) {
	if c.held == nil {
		return c.stream.Read(p)
	}
	wrote, n, err := c.stream.Ask(c.held, p)
	c.wrote += wrote
	if !c.stream.Asked() {
		return n, err // the process was held up until the deadline; the next read sends it
	}
	c.held = nil
	return n, err
}

func (c *conn) Write(p []byte) (int, error) { return c.stream.Write(p) }

// renew puts a new connection in the place of this one.
func (c *conn) renew(to *conn) {
	_ = c.Conn.Close()
	c.Conn, c.born, c.addrs = to.Conn, to.born, to.addrs
	c.stream.Init(to.Conn)
	c.stream.Own()
	c.read, c.write = sock.Deadline{}, sock.Deadline{}
	c.used, c.keeps = false, 0
}

func newConn(raw net.Conn, a *addrs) *conn {
	c := &conn{Conn: raw, born: time.Now(), addrs: a}
	c.stream.Init(raw)
	c.stream.Own() // in use or in the pool, it is closed by one goroutine
	return c
}
