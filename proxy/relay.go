package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// coding is how a body is framed towards the client.
type coding uint8

const (
	asLength  coding = iota // Content-Length stands in the fields, or there is no body
	asChunked               // in chunks
	asClose                 // until the connection ends
)

// flushAt is how much is gathered before it is written, while there is more in
// memory already.
const flushAt = 48 << 10

// answer writes the response that the exchange holds to the client.
func (r *request) answer() {
	x := &r.Response
	r.Status = x.Status
	if x.Status == 101 {
		r.tunnel()
		return
	}
	how := asLength
	if x.Relayed {
		switch r.trip.Response.Framing {
		case wire.FramingChunked, wire.FramingClose:
			how = asChunked
			if r.Head.Minor == 0 {
				how = asClose
			}
		}
	}
	r.appendAnswerHead(how)
	if x.Relayed {
		r.relay(how)
		return
	}
	if r.trip.IsOpen() {
		// A middleware has put another answer in place of the target's.
		r.endTrip(true)
	}
	if !r.Head.IsHead() {
		r.out = append(r.out, x.Body...)
		r.BytesOut = int64(len(x.Body))
	}
	r.send(r.out)
}

// appendAnswerHead makes r.out the head of the response.
func (r *request) appendAnswerHead(how coding) {
	x := &r.Response
	out := appendHead(r.out[:0], x.Status, x.Phrase)
	out = append(out, x.Fields.Bytes()...)
	if !x.Relayed {
		out = appendLocalFields(out, x)
	}
	if how == asChunked {
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	// While the request's body is still coming, whether it will be read whole
	// is not known; so then the connection is not used again.
	keep := how != asClose && (r.upload == nil || r.upload.readWhole()) && r.client.KeepAlive()
	switch {
	case !keep:
		r.client.CloseAfter()
		out = append(out, "Connection: close\r\n"...)
	case r.Head.Minor == 0:
		out = append(out, "Connection: keep-alive\r\n"...)
	}
	r.out = append(out, "\r\n"...)
}

// appendHead appends a status line. phrase nil stands for the standard one.
func appendHead(dst []byte, status int, phrase []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(dst, byte('0'+status/100), byte('0'+status/10%10), byte('0'+status%10), ' ')
	if phrase == nil {
		dst = append(dst, fasthttp.StatusMessage(status)...)
	} else {
		dst = append(dst, phrase...)
	}
	return append(dst, "\r\n"...)
}

// appendLocalFields appends what an answer of our own needs: its length and the
// date (RFC 9110 section 6.6.1).
func appendLocalFields(dst []byte, x *exchange.Response) []byte {
	if x.Status >= 200 && x.Status != 204 && x.Status != 304 {
		dst = append(dst, "Content-Length: "...)
		dst = fasthttp.AppendUint(dst, len(x.Body))
		dst = append(dst, "\r\n"...)
	}
	if !x.Fields.Has("Date") {
		dst = appendDate(dst)
	}
	return dst
}

func appendDate(dst []byte) []byte {
	dst = append(dst, "Date: "...)
	dst = fasthttp.AppendHTTPDate(dst, time.Now())
	return append(dst, "\r\n"...)
}

// send writes to the client; false says that it is gone.
func (r *request) send(b []byte) bool {
	r.begun = true
	if err := r.client.Send(b); err != nil {
		r.lostClient(err)
		return false
	}
	return true
}

// sendLast sends r.out, which ends the response. The target's connection is given
// back first, to be there for the client's next request; so r.out must be all that
// is left, and is, being memory of our own.
func (r *request) sendLast() bool {
	if r.upload == nil {
		r.endTrip(false)
	}
	return r.send(r.out)
}

func (r *request) lostClient(err error) {
	r.Reason = exchange.ClientClosed
	if sock.IsTimeout(err) {
		r.Reason = exchange.ClientTimeout
	}
}

// relay writes the head in r.out and the body that comes from the target.
func (r *request) relay(how coding) {
	if r.relaySmall() {
		return
	}
	r.headAt = time.Time{}
	var ok bool
	switch {
	case r.trip.Done():
		ok = r.send(r.out)
	case how == asChunked:
		ok = r.relayChunked()
	default:
		ok = r.relayPlain()
	}
	if !ok && !r.begun {
		// All that came was gathered when it proved bad. An answer that says so
		// is better than none: clients repeat what ended without a byte.
		r.endTrip(true)
		r.fail(r.Reason)
		if !r.silent {
			r.client.CloseAfter()
			r.answer()
		}
		return
	}
	if !ok {
		// What the client has been sent must not look complete; where the end
		// of the connection is the end of the body, that takes a reset.
		r.client.Abandon(how == asClose)
	}
	r.endTrip(!ok)
}

// relaySmall is the fast path: all of the body is in memory, so the target's
// connection is given back first, and one write ends the exchange.
func (r *request) relaySmall() bool {
	if r.upload != nil {
		return false
	}
	data, ok := r.trip.Whole()
	if !ok {
		return false
	}
	r.BytesOut = int64(len(data))
	r.out = append(r.out, data...)
	r.client.Tell(r.headAt)
	r.endTrip(false)
	r.send(r.out)
	return true
}

// relayPlain writes a body whose bytes reach the client without framing of ours.
func (r *request) relayPlain() bool {
	buf := bodyBuffers.Get().(*[]byte)
	defer bodyBuffers.Put(buf)
	for {
		for r.trip.Buffered() > 0 && len(r.out) < flushAt {
			data, err := r.trip.Next(*buf)
			r.BytesOut += int64(len(data))
			r.out = append(r.out, data...)
			if err != nil {
				return r.ended(err) && (len(r.out) == 0 || r.send(r.out))
			}
			if r.trip.Done() {
				return r.sendLast()
			}
		}
		if len(r.out) > 0 {
			if !r.send(r.out) {
				return false
			}
			r.out = r.out[:0]
		}
		data, err := r.trip.Next(*buf)
		if err != nil {
			return r.ended(err)
		}
		r.BytesOut += int64(len(data))
		if len(data) > 0 && !r.send(data) {
			return false
		}
		if r.trip.Done() {
			return true
		}
	}
}

// relayChunked writes a body in chunks, as they come.
func (r *request) relayChunked() bool {
	buf := bodyBuffers.Get().(*[]byte)
	defer bodyBuffers.Put(buf)
	for {
		if len(r.out) > 0 && (r.trip.Buffered() == 0 || len(r.out) >= flushAt) {
			if !r.send(r.out) {
				return false
			}
			r.out = r.out[:0]
		}
		data, err := r.trip.Next(*buf)
		r.BytesOut += int64(len(data))
		r.out = appendChunk(r.out, data)
		if err == nil {
			continue
		}
		if !r.ended(err) {
			return false
		}
		trailer := r.trip.Trailer()
		if !r.Head.Trailers {
			trailer = nil
		}
		r.out = appendLastChunk(r.out, trailer)
		return r.sendLast()
	}
}

// ended reports whether err is the proper end of the body, and notes what it is
// otherwise.
func (r *request) ended(err error) bool {
	if err == io.EOF {
		return true
	}
	var f *upstream.Failure
	if errors.As(err, &f) {
		r.Reason = r.blame(f.Reason)
	}
	return false
}
