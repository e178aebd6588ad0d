package proxy

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// upload sends a request body from the client to the target as it comes, in a
// goroutine of its own, so that a response that arrives before the body has been
// sent is seen, and both can flow at once.
type upload struct {
	done chan struct{} // closed when the goroutine has ended
	// cut is set when reading from the client has failed, before the trip is
	// interrupted for it: who sees the trip fail must be able to tell why.
	cut        atomic.Bool
	fromClient error // why; written before cut is set
	toTarget   error // writing to the target failed; written before done is closed
	// read is set when the body has been read to its end, and nothing of it will
	// be any more: its last part may still be on its way to the target.
	read atomic.Bool
}

// bodyBuffer is how much of a body moves at once.
const bodyBuffer = 64 << 10

var bodyBuffers = sync.Pool{New: func() any { b := make([]byte, bodyBuffer); return &b }}

func startUpload(r *request) *upload {
	u := &upload{done: make(chan struct{})}
	chunked := r.Head.Length < 0
	go u.run(r.body, &r.trip, chunked)
	return u
}

func (u *upload) run(body *server.Body, trip *upstream.Trip, chunked bool) {
	defer close(u.done)
	buf := bodyBuffers.Get().(*[]byte)
	defer bodyBuffers.Put(buf)
	var framed []byte
	for {
		data, err := body.Next(*buf)
		if err != nil && err != io.EOF {
			u.fromClient = err
			u.cut.Store(true)
			// The response, if one is awaited, is to a request that will
			// never be whole.
			trip.Interrupt()
			return
		}
		if err == io.EOF || body.Done() {
			u.read.Store(true)
		}
		if chunked {
			framed = appendChunk(framed[:0], data)
			if err == io.EOF {
				framed = appendLastChunk(framed, body.Trailer())
			}
			data = framed
		}
		if len(data) > 0 {
			if werr := trip.SendBody(data); werr != nil {
				u.toTarget = werr
				return
			}
		}
		if err == io.EOF || !chunked && body.Done() {
			return
		}
	}
}

func appendChunk(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = wire.AppendChunkHead(dst, len(data))
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

func appendLastChunk(dst, trailer []byte) []byte {
	dst = append(dst, "0\r\n"...)
	dst = wire.AppendTrailer(dst, trailer)
	return append(dst, "\r\n"...)
}

// readWhole reports whether the body has been read to its end, so that the
// client's connection is free for its next request.
func (u *upload) readWhole() bool { return u.read.Load() }

// ended reports whether the goroutine has ended.
func (u *upload) ended() bool {
	select {
	case <-u.done:
		return true
	default:
		return false
	}
}

// stop ends the upload, waiting for its goroutine, and reports whether the whole
// body was sent.
func (u *upload) stop(r *request) (sent bool) {
	if u.readWhole() {
		u.awaitLast()
	}
	if !u.ended() {
		// The response is done and the body is not: neither connection can be
		// used again.
		r.client.Interrupt()
		r.client.CloseAfter()
		r.trip.Interrupt()
		<-u.done
		return false
	}
	return !u.cut.Load() && u.toTarget == nil
}

// awaitLast waits a moment for the last write of a body: a response can overtake
// the news that it has been sent.
func (u *upload) awaitLast() {
	last := time.NewTimer(lastWrite)
	defer last.Stop()
	select {
	case <-u.done:
	case <-last.C:
	}
}

// lastWrite is how long the last write may take once the response is there.
const lastWrite = 20 * time.Millisecond

// clientFault tells why reading from the client has failed, if it has.
func (u *upload) clientFault() exchange.Reason {
	if !u.cut.Load() {
		return exchange.OK
	}
	switch err := u.fromClient.(type) {
	case *wire.Refusal:
		if err == wire.ErrBodyTooLong {
			return exchange.BodyTooLong
		}
		return exchange.Malformed
	default:
		if err == server.ErrBodyTimeout || sock.IsTimeout(err) {
			return exchange.ClientTimeout
		}
		return exchange.ClientClosed
	}
}
