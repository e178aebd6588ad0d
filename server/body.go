package server

import (
	"errors"
	"io"
	"time"

	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/wire"
)

// What reading a request body can fail with, besides a [*wire.Refusal].
var (
	// ErrBodyCut says that the client closed before the body's end.
	ErrBodyCut = errors.New("request body cut short by the client")
	// ErrBodyTimeout says that the client paused longer than limits.body_timeout.
	ErrBodyTimeout = errors.New("request body took too long")
)

// Body is the body of the request under way.
type Body struct {
	c           *Conn
	left        int64 // bytes still to come, of a body with a length
	read        int64 // data bytes given out
	chunks      wire.Chunks
	chunked     bool
	done        bool
	failed      bool
	continue100 bool // the client waits for 100 Continue
}

func (b *Body) start(c *Conn) {
	h := &c.in.head
	b.c, b.left, b.read, b.failed = c, h.Length, 0, false
	b.chunked = h.Length < 0
	b.done = h.Length == 0
	b.continue100 = h.Expect100 && !b.done
	if b.chunked {
		b.chunks.Reset()
	}
}

// Done reports whether the body has been read to its end; a request without one
// is done from the start.
func (b *Body) Done() bool { return b.done }

// BytesRead returns how many bytes of data were given out.
func (b *Body) BytesRead() int64 { return b.read }

// Trailer returns the trailer section of a chunked body that is done, as field
// lines. It is valid until the exchange ends.
func (b *Body) Trailer() []byte {
	if !b.chunked {
		return nil
	}
	return b.chunks.Trailer()
}

// Whole returns the data of the body if all of it is in memory already; ok is
// false otherwise, and nothing has been read. The slice is valid until the
// exchange ends.
func (b *Body) Whole() (data []byte, ok bool) {
	if b.done {
		return nil, b.read == 0
	}
	in := b.c.in
	if b.chunked {
		return b.wholeChunks()
	}
	if int64(in.w-in.r) < b.left {
		return nil, false
	}
	data = in.buf[in.r : in.r+int(b.left)]
	in.r += int(b.left)
	b.read, b.left, b.done = b.left, 0, true
	return data, true
}

// wholeChunks decodes a chunked body that is in memory, in its place.
func (b *Body) wholeChunks() (data []byte, ok bool) {
	in, total := b.c.in, 0
	look := func(take func([]byte)) (end int) {
		b.chunks.Reset()
		at := in.r
		for at < in.w && !b.chunks.Done() {
			run, n, err := b.chunks.Next(in.buf[at:in.w])
			if err != nil {
				break // told when it is read
			}
			take(run)
			at += n
		}
		return at
	}
	look(func(run []byte) { total += len(run) })
	limit := b.c.settings.BodyBytes
	if !b.chunks.Done() || limit > 0 && int64(total) > limit {
		b.chunks.Reset()
		return nil, false
	}
	// The data moves towards the front, over framing that has been read.
	data = in.buf[in.r:in.r]
	in.r = look(func(run []byte) { data = append(data, run...) })
	b.read, b.done = int64(total), true
	return data, true
}

// Continue tells a client that waits for it to send its body (RFC 9110 section
// 10.1.1). It must be called before the body is read from another goroutine than
// the one that sends the response, so that the two never write at once.
func (b *Body) Continue() error {
	if !b.continue100 {
		return nil
	}
	b.continue100 = false
	return b.c.SendInterim([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
}

// Next returns the next data of the body as it comes, up to len(buf) bytes at a
// time. The slice is valid until the next call and may be of buf or of the
// connection's memory. The end is [io.EOF]; the other errors are final. Call
// Continue first.
func (b *Body) Next(buf []byte) ([]byte, error) {
	if b.done {
		return nil, io.EOF
	}
	data, err := b.next(buf)
	b.read += int64(len(data))
	if limit := b.c.settings.BodyBytes; limit > 0 && b.read > limit {
		data, err = nil, wire.ErrBodyTooLong
	}
	// Only this: what it means for the connection is asked when the exchange
	// ends, by the goroutine that serves it.
	b.failed = err != nil && err != io.EOF
	return data, err
}

func (b *Body) next(buf []byte) ([]byte, error) {
	if b.chunked {
		return b.nextChunk()
	}
	in := b.c.in
	if in.r < in.w {
		n := int(min(int64(in.w-in.r), b.left))
		data := in.buf[in.r : in.r+n]
		in.r += n
		b.took(n)
		return data, nil
	}
	if int64(len(buf)) > b.left {
		buf = buf[:b.left]
	}
	n, err := b.fill(buf)
	b.took(n)
	return buf[:n], err
}

func (b *Body) took(n int) {
	b.left -= int64(n)
	b.done = b.left == 0
}

func (b *Body) nextChunk() ([]byte, error) {
	in := b.c.in
	for {
		for in.r < in.w {
			data, n, err := b.chunks.Next(in.buf[in.r:in.w])
			in.r += n
			if err != nil {
				return nil, err
			}
			if len(data) > 0 {
				return data, nil
			}
			if b.chunks.Done() {
				b.done = true
				return nil, io.EOF
			}
		}
		// All that was read is used: read again behind the head.
		in.r, in.w = in.bodyAt, in.bodyAt
		n, err := b.fill(in.buf[in.w:])
		if err != nil {
			return nil, err
		}
		in.w += n
	}
}

// fill reads from the socket within the body timeout.
func (b *Body) fill(p []byte) (int, error) {
	c := b.c
	c.read.Reach(time.Now(), c.settings.BodyTimeout, c.Conn.SetReadDeadline)
	if c.interrupted.Load() {
		_ = c.Conn.SetReadDeadline(sock.Past)
	}
	n, err := c.stream.Read(p)
	switch {
	case n > 0:
		return n, nil
	case sock.IsTimeout(err) && !c.interrupted.Load():
		return 0, ErrBodyTimeout
	}
	return 0, ErrBodyCut
}

// discardable reports whether what is left of the body can be read past, so that
// another request may follow.
func (b *Body) discardable() bool {
	if b.done {
		return !b.failed
	}
	return !b.failed && !b.continue100 && !b.chunked && b.left <= maxDiscard
}

// maxDiscard bounds the bytes read past after a response that did not need them.
const maxDiscard = 64 << 10

// discard reads past what is left of the body, if that is little.
func (b *Body) discard() bool {
	if !b.discardable() {
		return false
	}
	for !b.done {
		// Nobody looks at these bytes, so they may go where the body's start was.
		if _, err := b.Next(b.c.in.buf[b.c.in.bodyAt:]); err != nil {
			return false
		}
	}
	return true
}
