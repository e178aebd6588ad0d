package server

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/wire"
)

// Conn is one client connection. It owns what HTTP/1.1 is exact about: it reads
// each request head strictly, one at a time; it reads the body, by [Conn.Body];
// and the handler writes the response through [Conn.Send]. So bytes reach both
// sides as they came, pipelined requests are answered in order and at once, and a
// body cut short is never taken for whole.
//
// One goroutine serves a Conn. A second one may read the body while the first
// writes.
type Conn struct {
	net.Conn
	*work // nil while the connection is parked, and once it is closed
	srv   *Server
	owner *listener

	list  *connList // nil: it is not counted as open
	prev  *Conn
	next  *Conn
	hand  hand          // that served it, once it is being closed
	since time.Duration // by Server.clock: when it began to wait, if it is parked
	fd    int32         // if it is parked

	requests    int32
	state       atomic.Int32
	retired     atomic.Bool // its listener is gone
	interrupted atomic.Bool

	answered  bool // something of the response to this request was sent
	spared    bool // the handler has left its context alone
	served    bool // a head was read and its exchange is not done
	closing   bool // no further request is read
	probed    bool // the client was sent a 102; see Gone
	lingering bool // the peer may still be sending; see Close
	parking   bool // its goroutine is to end, and the connection not
	watched   bool // it has been in the epoll set
	resumed   bool // it was parked, and nothing has been read since
}

// The states of a Conn that a drain looks at.
const (
	stateActive  int32 = iota
	stateWaiting       // for the first byte of a request
	stateWoken         // it was waiting, and its read is being ended for a drain
)

// Head returns the head of the request under way.
func (c *Conn) Head() *wire.Head { return &c.in.head }

// Addr returns the peer's address; the zero Addr for a unix socket.
func (c *Conn) Addr() netip.Addr { return c.addr }

// Client returns the peer's address as text; empty for a unix socket. The slice
// is valid until the exchange ends.
func (c *Conn) Client() []byte { return c.client }

// nextRequest ends the request before, if any, and reads the next head.
func (c *Conn) nextRequest() bool {
	if (c.served && !c.endRequest()) || c.closing || c.parking {
		return false
	}
	if c.work == nil {
		c.work = acquireWork(c)
	}
	c.settings = c.srv.settings.Load()
	err := c.readHead()
	if err == nil && c.settings.BodyBytes > 0 && c.in.head.Length > c.settings.BodyBytes {
		err = wire.ErrBodyTooLong
	}
	switch {
	case err == errPark:
		c.parking = true
		return false
	case err != nil:
		c.refuse(err)
		return false
	}
	c.beginRequest()
	return true
}

// beginRequest begins the exchange of the request whose head was read.
func (c *Conn) beginRequest() {
	c.requests++
	c.served, c.answered, c.spared = true, false, false
	c.body.start(c)
}

// endRequest makes sure that the next bytes are the next request.
func (c *Conn) endRequest() bool {
	c.served = false
	if c.closing || !c.body.discard() {
		c.closing = true
		c.lingering = !c.body.done
		return false
	}
	in := c.in
	if in.r == in.w {
		in.r, in.w = 0, 0
	} else if in.r > 0 {
		in.w = copy(in.buf, in.buf[in.r:in.w])
		in.r = 0
	}
	return true
}

// readHead reads until in.head holds a whole head. An error is a *wire.Refusal,
// or of the connection.
func (c *Conn) readHead() error {
	if c.in == nil || c.in.w == c.in.r {
		if err := c.awaitRequest(); err != nil {
			return err
		}
	}
	in := c.in
	scanned, armed := 0, false
	for {
		if headMayBeWhole(in.buf[in.r:in.w], &scanned) {
			if whole, err := in.parse(c.settings); whole || err != nil {
				return err
			}
		}
		if in.w == len(in.buf) {
			return wire.ErrHeadTooLong
		}
		if !armed {
			// One deadline for the whole head, so that a byte now and then
			// does not keep the connection.
			armed = true
			c.read.Reach(time.Now(), c.settings.HeaderTimeout, c.Conn.SetReadDeadline)
		}
		n, err := c.stream.Read(in.buf[in.w:])
		if in.w += n; n > 0 {
			continue
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
}

// maySendMore reports whether the client may have sent something after its last
// request. One that has ended the connection itself does not (RFC 9112 section 9.6).
func (c *Conn) maySendMore() bool {
	return c.requests == 0 || c.in == nil || c.in.head.KeepAlive || c.in.r < c.in.w
}

// headMayBeWhole keeps a head that comes byte by byte from being parsed anew at
// each byte: after the first look, only a new end of line is worth another.
func headMayBeWhole(b []byte, scanned *int) bool {
	from := *scanned
	*scanned = len(b)
	return from == 0 || bytes.IndexByte(b[from:], '\n') >= 0
}

// Body returns the body of the request under way.
func (c *Conn) Body() *Body { return &c.body }

// KeepAlive reports whether the connection can be used again after this
// exchange, as far as can be told before the response is sent.
func (c *Conn) KeepAlive() bool {
	return c.in.head.KeepAlive && !c.closing && c.body.discardable() &&
		!c.leaving()
}

// SpareContext tells that the handler leaves its context alone, which then need not
// be reset. The answer is sent by [Conn.Send].
func (c *Conn) SpareContext() { c.spared = true }

// CloseAfter ends the connection after this exchange.
func (c *Conn) CloseAfter() { c.closing = true }

// Tell says what time it is, and spares the next write or the wait for the next
// request a look at the clock.
func (c *Conn) Tell(now time.Time) { c.told = now }

// now returns the time that was told since it was last asked for, or looks.
func (c *Conn) now() time.Time {
	now := c.told
	if now.IsZero() {
		return time.Now()
	}
	c.told = time.Time{}
	return now
}

// Send writes bytes of the response to the client; an answer in the handler's
// context counts no longer. b is not kept. A client that does not read for the
// write timeout is an error.
func (c *Conn) Send(b []byte) error {
	c.answered = true
	return c.SendInterim(b)
}

// SendInterim is Send for a response that is not the final one (1xx).
func (c *Conn) SendInterim(b []byte) error {
	c.reachWrite()
	_, err := c.stream.Write(b)
	if err != nil {
		c.closing = true
	}
	return err
}

// Abandon ends the connection after this exchange, with no more of a response
// than was sent. With reset the client is told by a reset that it is incomplete.
func (c *Conn) Abandon(reset bool) {
	c.answered, c.closing = true, true
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok && reset {
		_ = tcp.SetLinger(0)
	}
}

// Interrupt makes a read of the body that is under way, and any later one, fail.
// The connection ends with this exchange.
func (c *Conn) Interrupt() {
	c.interrupted.Store(true)
	_ = c.Conn.SetReadDeadline(sock.Past)
}

// Gone reports whether the client has left while its response is awaited. One that
// has only ended its sending is still answered (RFC 9112 section 9.6 lets it);
// to tell the two apart it is sent an interim response, which a client that has
// left meets with a reset. It must not be asked while the body is being read.
func (c *Conn) Gone() bool {
	if c.interrupted.Load() {
		return true
	}
	switch c.stream.Look() {
	case sock.Broken:
		return true
	case sock.Closed:
		if c.in.head.Minor == 1 && !c.probed {
			c.probed = true
			return c.SendInterim([]byte("HTTP/1.1 102 Processing\r\n\r\n")) != nil
		}
	}
	return false
}

// Take gives the connection away, for a tunnel: the socket, with no deadlines,
// and the bytes that were read from it and not used. It ends with the exchange.
func (c *Conn) Take() (net.Conn, []byte) {
	c.closing, c.answered = true, true
	_ = c.Conn.SetDeadline(time.Time{})
	c.stream.Init(c.Conn) // not owned: it may be closed from now on
	return c.Conn, c.in.buf[c.in.r:c.in.w]
}

// lingerTime and lingerBytes bound the wait for a peer that is still sending
// when its connection is closed.
const (
	lingerTime  = time.Second
	lingerBytes = 64 << 20
)

// Close closes the connection. A peer that may still be sending is read from for
// a moment first: closing with unread bytes resets the connection, and the peer
// would lose the response that explains it.
//
// A connection that was to be parked is, and stays open.
func (c *Conn) Close() error {
	if c.parking {
		c.parking = false
		if c.srv.park(c) {
			return nil
		}
	}
	// While it lingers it counts as open, so that a shutdown waits for it.
	if c.work != nil && (c.served && !c.body.done || c.closing && c.maySendMore() && c.stream.Look() == sock.Bytes) {
		c.lingering = true
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.lingering && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	err := c.Conn.Close()
	if c.srv.remove(c) && c.work != nil {
		c.work.release()
		c.work = nil
	}
	return err
}
