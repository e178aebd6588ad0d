package proxy

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

// Bounds of what is tried for one request.
const (
	maxConnects = 8 // connections asked for, over all targets
	maxPause    = 250 * time.Millisecond
)

// next decides what becomes of a request whose attempt at a target has failed
// (nil: it was answered with one of the statuses to retry), and returns where it
// goes now, or nil: then the failure, or the answer, stands.
//
//   - Nothing of the request can have reached the target: it goes to any other. Where
//     there is no other, a connection that timed out is tried for once more: the
//     kernel of a busy machine drops packets, and sends them again a second later.
//   - A pooled connection died before a byte of a response, or was out of step: a
//     request that may be repeated goes again, wherever it is picked to.
//   - Else it was sent, and nothing of a response has been passed on: a request
//     that may be repeated goes to another target, while attempts, budget and time
//     allow.
//
// A request whose body is not in memory any more is never repeated.
func (f *forwarder) next(r *request, at *upstream.Target, failed *upstream.Failure, replayable bool) *upstream.Target {
	if r.Attempts >= maxConnects || r.passedOn || r.upload != nil || r.overdue() {
		return nil
	}
	switch {
	case failed != nil && failed.Unsent && !failed.Stale:
		if failed.Reason == exchange.QueueFull || failed.Reason == exchange.QueueTimeout {
			return nil
		}
		if failed.Reason != exchange.ConnectTimeout || len(f.pool.Targets) > 1 || r.redialled {
			r.tried.Add(at.Node)
		}
		r.redialled = true
		return f.elsewhere(r, failed)
	case failed != nil && failed.Stale:
		if !(failed.Unsent || replayable && r.repeatable()) {
			return nil
		}
		r.stale++ // so that the next connection is chosen with more care
		return f.elsewhere(r, failed)
	}
	r.sent++
	if r.sent >= f.pool.Retry.Attempts || !replayable || !r.repeatable() || !retriable(failed) {
		return nil
	}
	r.tried.Add(at.Node)
	target := f.elsewhere(r, failed)
	if target == nil {
		return nil
	}
	if !f.pool.Budget.Retry(time.Now(), f.metrics.Requests()) {
		f.metrics.Suppressed()
		r.trip.Drop()
		return nil
	}
	f.pause(r)
	return target
}

// elsewhere picks another target. A trip that has failed is ended before, so that a
// wait for room holds up nobody; one that was answered goes on if there is none.
func (f *forwarder) elsewhere(r *request, failed *upstream.Failure) *upstream.Target {
	if failed != nil {
		r.endAttempt()
	}
	target, _ := f.pick(r, failed == nil)
	return target
}

// reuse says over which connections the request may go: one that cannot be sent
// again must not be lost to a connection that the target is about to close, nor
// one that was lost so already.
func (r *request) reuse(replayable bool) upstream.Reuse {
	switch {
	case r.stale > 1:
		return upstream.ReuseNone
	case r.stale == 1, !replayable, !r.repeatable():
		return upstream.ReuseSafe
	}
	return upstream.ReuseAny
}

// retriable reports whether another target might do better.
func retriable(failed *upstream.Failure) bool {
	if failed == nil {
		return true
	}
	switch failed.Reason {
	case exchange.UpstreamClosed, exchange.UpstreamMalformed, exchange.ResponseTimeout:
		return true
	}
	return false
}

// repeatable reports whether a request may be sent twice: its method is
// idempotent (RFC 9110 section 9.2.2), or its sender has seen to that.
func (r *request) repeatable() bool {
	switch string(r.Head.Method) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	_, has := r.Head.Value("Idempotency-Key", 0)
	return has
}

// listed reports whether the response in the exchange is one to try again for.
func (f *forwarder) listed(r *request) bool {
	return len(f.pool.Retry.Statuses) > 0 && slices.Contains(f.pool.Retry.Statuses, r.Response.Status)
}

// pause waits before a retry, a random part of a time that doubles each time, so
// that many requests that failed together do not come back together.
func (f *forwarder) pause(r *request) {
	most := f.pool.Retry.Backoff.D() << min(r.sent-1, 8)
	if most = min(most, maxPause); most > 0 {
		time.Sleep(rand.N(most))
	}
}
