package upstream

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/wire"
)

// Trip is one request on its way over one connection, and the response on its
// way back. It is used again for other trips. One goroutine owns it; a second one
// may call [Trip.SendBody] while the first reads the response.
//
// Every method but Open needs a trip that is open; errors are [*Failure].
type Trip struct {
	// Response is the last response head read. It is valid until the body is
	// read or the trip ends.
	Response wire.Response

	target *Target
	c      *conn
	in     intake
	idle   time.Duration
	begun  time.Time // when it was opened
	end    time.Time // when the whole request is to be done; zero without a limit

	headLen int   // bytes of in that Response lies in
	left    int64 // bytes still to come, of a body with a length
	chunks  wire.Chunks
	done    bool // the response has been read to its end
	failed  bool
	headed  bool // a final response head has come

	picked  place        // by Pick, and not opened yet
	gate    *gate        // in which the request has a place; else nil
	waiter  *waiter      // nil until it is needed
	waited  bool         // for a place, at the last pick
	trial   *trial       // see place
	failing *statusRules // nil where any answer is a good one

	interrupted atomic.Bool
}

// Open gets a connection to target, a pooled one if it will do. Nothing of the trip
// takes longer than until end; the zero time sets no limit.
func (t *Trip) Open(target *Target, pool *Pool, reuse Reuse, now, end time.Time) error {
	at := t.charged(target)
	remaining := time.Duration(0)
	if !end.IsZero() {
		remaining = max(end.Sub(now), 1)
	}
	c, err := target.acquire(now, remaining, at.inFlight, reuse)
	if at.trial != nil {
		now = time.Now() // what was before the trial does not count
	}
	if err != nil {
		reason := err.(*Failure).Reason
		target.observer.Attempted(reason, false)
		if reason == exchange.QueueFull || reason == exchange.QueueTimeout {
			target.Node.Cancel()
		} else {
			target.Node.Done(Clock(now), 0, false)
		}
		target.health.failed(now, time.Now(), reason)
		at.leaveTrial()
		if t.gate != nil {
			t.gate.wake()
		}
		return err
	}
	t.target, t.c, t.idle, t.begun, t.end = target, c, pool.Idle, now, end
	t.headLen, t.done, t.failed, t.headed = 0, false, false, false
	t.trial, t.failing = at.trial, pool.failing
	c.wrote = 0
	t.interrupted.Store(false)
	return nil
}

// IsOpen reports whether the trip holds a connection.
func (t *Trip) IsOpen() bool { return t.c != nil }

// Target returns where the trip goes; it stays after the end.
func (t *Trip) Target() *Target { return t.target }

// Begun returns when the trip was opened, before it had a connection.
func (t *Trip) Begun() time.Time { return t.begun }

// Peer returns the address at the other end of the connection.
func (t *Trip) Peer() net.Addr { return t.c.Conn.RemoteAddr() }

// Reused reports whether the connection carried a request before.
func (t *Trip) Reused() bool { return t.c.used }

// Send writes the request, or its head, in one go. b is not kept.
func (t *Trip) Send(b []byte, now time.Time) error {
	t.c.write.Reach(now, t.idle, t.c.Conn.SetWriteDeadline)
	n, err := t.c.Write(b)
	t.c.wrote += n
	if err == nil {
		return nil
	}
	t.failed = true
	return t.broken(err)
}

// Hold takes a whole request, which the wait for its response begins with: writing
// and waiting in one saves a system call. b must stay as it is until [Trip.ReadHead]
// has returned.
func (t *Trip) Hold(b []byte, now time.Time) {
	t.c.write.Reach(now, t.idle, t.c.Conn.SetWriteDeadline)
	t.c.held = b
}

// SendBody writes a part of the request's body. b is not kept. After an error
// the response may still be there to be read.
func (t *Trip) SendBody(b []byte) error {
	t.c.write.Reach(time.Now(), t.idle, t.c.Conn.SetWriteDeadline)
	if t.interrupted.Load() {
		// After it was set, the deadline may have been set anew.
		return os.ErrDeadlineExceeded
	}
	_, err := t.c.Write(b)
	return err
}

// broken judges a connection that failed before a byte of a response.
func (t *Trip) broken(err error) *Failure {
	f := readFailure(err, exchange.ResponseTimeout)
	f.Unsent = t.c.wrote == 0 || err == io.EOF && t.c.stream.Untouched(t.c.wrote)
	f.Stale = t.c.used && f.Reason == exchange.UpstreamClosed
	if f.Stale {
		t.target.observer.Stale()
		t.target.life.died(max(t.begun.Sub(t.c.since), 0), t.begun)
	}
	return f
}

// Client is asked, now and then while a response is awaited, whether there is
// still somebody to answer.
type Client interface{ Gone() bool }

// lookEvery is how often a client is looked at while its response is awaited.
const lookEvery = time.Second

// ReadHead reads the next response head, of a final or an interim response,
// within the given time; 0 sets no limit. toHead says that the request's method
// is HEAD. If client has gone before a byte of it came, the failure says so.
func (t *Trip) ReadHead(client Client, now time.Time, within time.Duration, toHead bool) error {
	t.dropHead()
	if t.in.len() == 0 {
		if err := t.await(client, now, within); err != nil {
			t.failed = true
			return err
		}
	}
	for {
		n, err := t.Response.Parse(t.in.bytes(), toHead)
		if n > 0 {
			t.headLen, t.headed = n, t.Response.Status >= 200
			t.startBody()
			if t.outOfStep() {
				t.failed = true
				return t.disorder()
			}
			if t.trial != nil && t.headed && !t.failing.has(t.Response.Status) {
				t.target.health.answered(t.begun)
			}
			return nil
		}
		if err == nil && t.in.full() {
			err = wire.ErrResponseTooLong
		}
		if err == nil {
			t.reachRead(now, within)
			err = t.in.fill(t.c)
		}
		if err != nil {
			t.failed = true
			return readFailure(err, exchange.ResponseTimeout)
		}
	}
}

// await waits for the first byte of a response, in steps, so that a client that
// leaves does not keep the target at work for nobody.
func (t *Trip) await(client Client, now time.Time, within time.Duration) error {
	begun := now
	for {
		step, last := within, true
		if within == 0 || within > lookEvery {
			step, last = lookEvery, false
		}
		t.reachRead(now, step)
		err := t.in.fill(t.c)
		if err == nil {
			return nil
		}
		if !sock.IsTimeout(err) || t.interrupted.Load() || last {
			return t.broken(err)
		}
		now = time.Now()
		if client.Gone() {
			return &Failure{Reason: exchange.ClientClosed, Err: err}
		}
		if within > 0 {
			if within -= now.Sub(begun); within <= 0 {
				return t.broken(err)
			}
			begun = now
		}
		if !t.end.IsZero() && !now.Before(t.end) {
			return t.broken(err)
		}
	}
}

func (t *Trip) reachRead(now time.Time, within time.Duration) {
	if !t.end.IsZero() {
		left := max(t.end.Sub(now), 1)
		if within == 0 || left < within {
			within = left
		}
	}
	t.c.read.Reach(now, within, t.c.Conn.SetReadDeadline)
	if t.interrupted.Load() {
		_ = t.c.Conn.SetReadDeadline(sock.Past)
	}
}

func (t *Trip) dropHead() {
	t.in.use(t.headLen)
	t.headLen = 0
}

func (t *Trip) startBody() {
	t.left = t.Response.Length
	t.done = t.Response.Framing == wire.FramingNone
	if t.Response.Framing == wire.FramingChunked {
		t.chunks.Reset()
	}
}

// Done reports whether the response has been read to its end.
func (t *Trip) Done() bool { return t.done }

// Trailer returns the trailer section of a chunked response that is done.
func (t *Trip) Trailer() []byte {
	if t.Response.Framing != wire.FramingChunked {
		return nil
	}
	return t.chunks.Trailer()
}

// Buffered returns how many bytes of the connection are in memory already, body
// and framing.
func (t *Trip) Buffered() int { return t.in.len() - t.headLen }

// Whole returns the response body if it has a length and all of it is in memory
// already; ok is false otherwise, and nothing has been read. The slice is valid
// until the trip ends.
func (t *Trip) Whole() (data []byte, ok bool) {
	if t.done {
		return nil, true
	}
	if t.Response.Framing != wire.FramingLength || int64(t.Buffered()) < t.left {
		return nil, false
	}
	t.dropHead()
	data = t.in.use(int(t.left))
	t.left, t.done = 0, true
	return data, true
}

// Next returns the next data of the response body as it comes, up to len(buf)
// bytes. The slice is valid until the next call and may be of buf. It is empty,
// without an error, where all that was in memory was framing: the caller may
// want to flush before the next call waits. The end is [io.EOF]; a response that
// ends early is a failure.
func (t *Trip) Next(buf []byte) ([]byte, error) {
	t.dropHead()
	if t.done {
		return nil, io.EOF
	}
	data, err := t.next(buf)
	if err == nil || err == io.EOF {
		return data, err
	}
	t.failed = true
	f := readFailure(err, exchange.UpstreamIdle)
	if f.Reason == exchange.UpstreamClosed {
		f.Reason = exchange.ResponseTruncated
	}
	return nil, f
}

func (t *Trip) next(buf []byte) ([]byte, error) {
	switch t.Response.Framing {
	case wire.FramingChunked:
		return t.nextChunk()
	case wire.FramingLength:
		if int64(len(buf)) > t.left {
			buf = buf[:t.left]
		}
		data, err := t.nextRaw(buf)
		if t.left -= int64(len(data)); t.left == 0 {
			t.done = true
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return data, err
	}
	data, err := t.nextRaw(buf)
	if err == io.EOF {
		// The end of a body that ends with the connection; a reset is not.
		t.done = true
	}
	return data, err
}

// nextRaw returns bytes that are in memory already, or reads straight into buf.
func (t *Trip) nextRaw(buf []byte) ([]byte, error) {
	if data := t.in.use(len(buf)); len(data) > 0 {
		return data, nil
	}
	t.reachRead(time.Now(), t.idle)
	n, err := t.c.Read(buf)
	if n > 0 {
		return buf[:n], nil
	}
	return nil, err
}

func (t *Trip) nextChunk() ([]byte, error) {
	if t.in.len() == 0 {
		t.reachRead(time.Now(), t.idle)
		if err := t.in.fill(t.c); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	data, n, err := t.chunks.Next(t.in.bytes())
	t.in.use(n)
	if err == nil && len(data) == 0 && t.chunks.Done() {
		t.done = true
		return nil, io.EOF
	}
	return data, err
}

// Interrupt makes reads and writes that are under way, and later reads and parts
// of the body sent, fail. It may be called from another goroutine while the trip
// is open.
func (t *Trip) Interrupt() {
	t.interrupted.Store(true)
	_ = t.c.Conn.SetDeadline(sock.Past)
}

// Idle returns how long the trip may make no progress.
func (t *Trip) Idle() time.Duration { return t.idle }

// Take gives the connection away, for a tunnel: the socket, with no deadlines,
// and the bytes read from it and not used. End the trip when the tunnel is done.
func (t *Trip) Take() (net.Conn, []byte) {
	t.dropHead()
	t.failed = true
	_ = t.c.Conn.SetDeadline(time.Time{})
	t.c.stream.Init(t.c.Conn) // not owned: it may be closed from now on
	return t.c.Conn, t.in.bytes()
}
