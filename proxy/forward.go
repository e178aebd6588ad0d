package proxy

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/telemetry"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// Bounds of what is done for one request.
const (
	maxInterim = 16 // 1xx responses passed on
	// smallBody is the longest request body that is sent in one write with its head.
	smallBody = 32 << 10
)

// forwarder sends the requests of a route to an upstream.
type forwarder struct {
	pool    *upstream.Pool
	key     hashKey // nil where the policy hashes nothing
	host    hostPolicy
	metrics *telemetry.UpstreamMetrics
	handler fasthttp.RequestHandler // handle, made once for all routes
}

// hostPolicy says which Host targets see.
type hostPolicy struct {
	target bool   // the target's address
	fixed  []byte // or this; nil for the client's
}

// handle is the innermost handler of a route with an upstream.
func (f *forwarder) handle(ctx *fasthttp.RequestCtx) { f.serve(of(ctx)) }

// serve sends the request and leaves the response in the exchange, its body still to
// be relayed.
func (f *forwarder) serve(r *request) {
	r.Upstream = f.pool.Name
	whole, replayable := r.body.Whole()
	if f.key != nil {
		r.key = keyOr(f.key(r))
	}
	if f.pool.Request > 0 {
		r.deadline = r.Start.Add(f.pool.Request)
	}
	target, reason := f.pick(r, false)
	if target == nil {
		r.fail(reason)
		return
	}
	for {
		r.TargetName = target.Address
		err := f.attempt(r, target, whole, replayable)
		if err == nil && !f.listed(r) {
			return
		}
		failed, _ := err.(*upstream.Failure)
		if failed != nil {
			r.Reason = r.blame(failed.Reason)
			r.endSpan(r.Reason)
		}
		if target = f.next(r, target, failed, replayable); target == nil {
			break
		}
		if failed == nil {
			r.Reason = exchange.UpstreamStatus
		}
		r.endAttempt()
	}
	if r.Reason != exchange.OK {
		r.endTrip(true)
		r.trip.Drop()
		r.fail(r.Reason)
	}
}

// pick chooses a target that the request has not been to, and has it charged; it
// waits for room where the upstream is full, unless an answer is there already.
func (f *forwarder) pick(r *request, answered bool) (*upstream.Target, exchange.Reason) {
	target, reason := r.trip.Pick(f.pool, upstream.Wish{
		Key: r.key, Now: r.Start, End: r.deadline, Tried: &r.tried, Client: r, NoWait: answered,
	})
	if target == nil {
		reason = r.blame(reason)
	}
	return target, reason
}

// blame finds what a failure really was: the client may be behind it, or the
// end of the time for the whole request.
func (r *request) blame(reason exchange.Reason) exchange.Reason {
	if r.upload != nil {
		if reason := r.upload.clientFault(); reason != exchange.OK {
			return reason
		}
	}
	switch reason {
	case exchange.ConcurrencyTimeout, exchange.QueueTimeout, exchange.ConnectTimeout, exchange.ResponseTimeout, exchange.UpstreamIdle:
		if r.overdue() {
			return exchange.RequestTimeout
		}
	}
	return reason
}

// overdue reports whether the time for the whole request is over.
func (r *request) overdue() bool {
	return !r.deadline.IsZero() && !time.Now().Before(r.deadline)
}

// attempt sends the request to one target and reads the head of its response.
func (f *forwarder) attempt(r *request, target *upstream.Target, whole []byte, replayable bool) error {
	r.Attempts++
	r.headAt = time.Time{}
	r.beginSpan(target)
	now := r.Start
	if r.Attempts > 1 || r.trip.Waited() {
		now = time.Now()
	}
	if err := r.trip.Open(target, f.pool, r.reuse(replayable), now, r.deadline); err != nil {
		return err
	}
	r.noteConnection()
	f.setHost(r, target)
	r.out = r.AppendHead(r.out[:0])
	if replayable && len(whole) <= smallBody {
		r.out = r.appendBody(r.out, whole)
		r.trip.Hold(r.out, now)
		return f.readResponse(r, now)
	}
	if err := r.trip.Send(r.out, now); err != nil {
		return err
	}
	if !replayable {
		if err := r.body.Continue(); err != nil {
			return &upstream.Failure{Reason: exchange.ClientClosed, Err: err}
		}
		r.upload = startUpload(r)
		return f.readResponse(r, now)
	}
	r.out = r.appendBody(r.out[:0], whole)
	if err := r.trip.Send(r.out, now); err != nil {
		return err
	}
	return f.readResponse(r, now)
}

// appendBody appends a body that is in memory, framed as it came.
func (r *request) appendBody(dst, whole []byte) []byte {
	if r.Head.Length >= 0 {
		return append(dst, whole...)
	}
	return appendLastChunk(appendChunk(dst, whole), r.body.Trailer())
}

func (f *forwarder) setHost(r *request, target *upstream.Target) {
	host := f.host.fixed
	// An HTTP/1.0 client may send no Host, but what goes on is HTTP/1.1, which
	// must have one (RFC 9112 section 3.2).
	if f.host.target || host == nil && len(r.Head.Host) == 0 && r.Head.Minor == 0 {
		host = target.HostField
	}
	if host != nil {
		r.SetHost(host)
	}
}

// readResponse reads response heads up to the final one and leaves that in the
// exchange. Interim responses are passed on, but for 100, which is between us
// and the target, and to HTTP/1.0 clients (RFC 9110 section 15.2).
func (f *forwarder) readResponse(r *request, now time.Time) error {
	head := &r.trip.Response
	for interim := 0; ; interim++ {
		if err := r.trip.ReadHead(r, now, f.pool.ResponseHeader, r.Head.IsHead()); err != nil {
			return err
		}
		if head.Status >= 200 || head.Status == 101 {
			break
		}
		if interim == maxInterim {
			return &upstream.Failure{Reason: exchange.UpstreamMalformed, Err: errInterim}
		}
		if head.Status != 100 && r.Head.Minor == 1 {
			r.out = appendHead(r.out[:0], head.Status, head.Reason)
			r.out = append(head.AppendFields(r.out), "\r\n"...)
			r.passedOn = true
			if err := r.client.SendInterim(r.out); err != nil {
				return &upstream.Failure{Reason: exchange.ClientClosed, Err: err}
			}
		}
	}
	if head.Status == 101 && !(head.WebSocket && r.Head.WebSocket) {
		return &upstream.Failure{Reason: exchange.UpstreamMalformed, Err: wire.ErrResponseSwitches}
	}
	r.noteStatus(head.Status)
	r.HeaderTime = time.Since(r.Start)
	r.headAt = r.Start.Add(r.HeaderTime)
	r.Reason = exchange.OK
	x := &r.Response
	x.Status, x.Relayed, x.Body = head.Status, true, nil
	r.phrase = append(r.phrase[:0], head.Reason...)
	x.Phrase = r.phrase
	fields := head.AppendFields(x.Fields.Bytes()[:0])
	if !head.Dated && head.Status != 101 {
		// Who passes on a response without a date has to add one (RFC 9110
		// section 6.6.1).
		fields = appendDate(fields)
	}
	x.Fields.SetBlock(fields)
	return nil
}

// Gone reports whether there is nobody left to answer. While a body is still
// being read, its reader is the first to know.
func (r *request) Gone() bool {
	return (r.upload == nil || r.upload.readWhole()) && r.client.Gone()
}

var errInterim = errors.New("too many interim responses")

// endTrip gives the connection back: for another request if this one was sent
// and answered whole.
func (r *request) endTrip(failed bool) { r.finishTrip(failed, false) }

// endAttempt ends a trip that is no use, to be followed by another.
func (r *request) endAttempt() { r.finishTrip(true, true) }

func (r *request) finishTrip(failed, again bool) {
	sent := true
	if r.upload != nil {
		sent = r.upload.stop(r)
		r.upload = nil
	}
	if !r.trip.IsOpen() {
		return
	}
	r.endSpan(r.Reason)
	now := r.headAt
	if now.IsZero() {
		now = time.Now()
	}
	o := upstream.Outcome{Now: now, Reason: r.Reason, Failed: failed && r.targetsFault(sent), Again: again}
	if r.HeaderTime > 0 {
		// What was before, an attempt elsewhere or a wait, is not the target's.
		o.Latency = r.HeaderTime - r.trip.Begun().Sub(r.Start)
	}
	r.trip.End(sent && !failed, o)
}

// targetsFault reports whether the reason of a failure lies with the target. One
// that does not answer while the request is still being sent may be waiting for a
// slow client.
func (r *request) targetsFault(sent bool) bool {
	switch r.Reason {
	case exchange.ResponseTimeout, exchange.RequestTimeout:
		return sent
	case exchange.OK, exchange.ClientClosed, exchange.ClientTimeout, exchange.BodyTooLong,
		exchange.Malformed, exchange.ConcurrencyFull, exchange.ConcurrencyTimeout, exchange.QueueFull, exchange.QueueTimeout:
		return false
	}
	return true
}
