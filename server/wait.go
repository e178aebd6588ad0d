package server

import (
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

// awaitRequest waits for the first bytes of a request, and serves those that come
// whole, one after the other: see took. io.EOF says that the connection ended between
// two requests, as it may.
func (c *Conn) awaitRequest() error {
	for c.beginWait() {
		if c.requests > 0 {
			// Others first: when they are many, this client's next request will have
			// come by then, and a look for it before is a system call for nothing.
			runtime.Gosched()
		}
		err := c.stream.Serve(c.lendTo, c.tookIt)
		c.awake()
		switch {
		case err == nil && c.in.w > c.in.r:
			return nil
		case err == nil && c.closing:
			return io.EOF
		case err == nil:
			// Look whether there is more, or for the end.
		case !sock.IsTimeout(err):
			return err
		case c.leaving():
			return c.awaitLast()
		case c.parks:
			c.since = c.began.Sub(c.srv.began)
			return errPark
		default:
			return io.EOF
		}
	}
	return c.awaitLast()
}

// beginWait prepares the wait for a request. It is false where the connection is to
// wait for a last one.
func (c *Conn) beginWait() bool {
	c.settings = c.srv.settings.Load()
	wait := c.settings.IdleTimeout
	if c.requests == 0 {
		wait = c.settings.HeaderTimeout
	}
	patience := c.srv.patience(wait)
	if c.resumed {
		// There is something to read; it is not to be parked again before it was,
		// however busy the machine is.
		c.resumed = false
		patience = wait
		if wait == 0 || wait > defaultParkAfter {
			patience = defaultParkAfter
		}
	}
	c.parks = patience != wait
	c.began, c.arm = c.now(), patience
	if c.read.Armed() {
		c.arm = 0
		c.read.Reach(c.began, patience, c.Conn.SetReadDeadline)
	}
	c.state.Store(stateWaiting)
	// After the state was set: a drain that did not see it is seen here.
	return !c.leaving()
}

// took is told of n bytes that came while a request was awaited. If they are a
// request as most are, whole and alone, it is served here, and true says to wait for
// the next. Waiting has not ended meanwhile, so that it needs no look first whether
// there is one: that would be a system call, and mostly for nothing.
func (c *Conn) took(n int) (again bool) {
	c.awake()
	in := c.in
	unread := in.r
	in.w += n
	whole, err := in.parse(c.settings)
	if err != nil || !whole {
		return false // read on, or refuse it
	}
	if !in.alone() || c.settings.BodyBytes > 0 && in.head.Length > c.settings.BodyBytes {
		in.r = unread
		return false
	}
	c.beginRequest()
	c.srv.exchange(c)
	// The end of what the client sends, if it came with the request, shows only in
	// a look. Clients that send it do so with their first request; with a later one it
	// is found when the connection is parked.
	return c.endRequest() && c.requests > 1 && c.beginWait()
}

// errPark says that no request has come for a while.
var errPark = errors.New("connection is to be parked")

// leaving reports whether the connection is to end as soon as nobody waits for an
// answer on it.
func (c *Conn) leaving() bool { return c.srv.draining.Load() || c.retired.Load() }

// lastCallTime is how long a connection that a drain finds waiting waits on. Its
// client may have sent a request just now, which a close would lose and which, as
// a POST, the client could not repeat. Clients that send often all do so within
// that time, and are told with the answer that the connection ends.
const lastCallTime = time.Second

// awaitLast waits for a last request. Without one the connection ends.
func (c *Conn) awaitLast() error {
	c.awake()
	c.needInbound()
	c.read.Reach(time.Now(), lastCallTime, c.Conn.SetReadDeadline)
	n, err := c.stream.Read(c.in.buf[c.in.w:])
	c.in.w += n
	switch {
	case n > 0:
		return nil
	case !sock.IsTimeout(err):
		return err
	}
	return io.EOF
}

// awake ends waiting. A drain may have ended the read just as a request came:
// its deadline must not stay for the request, so its setting is waited for, and
// the next deadline armed anew.
func (c *Conn) awake() {
	if c.state.Swap(stateActive) != stateWoken {
		return
	}
	c.srv.mu.Lock() // held by who wakes
	defer c.srv.mu.Unlock()
	c.read = sock.Deadline{}
}
