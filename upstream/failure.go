package upstream

import (
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/wire"
)

// Failure is why a request could not be sent or its response not be read.
type Failure struct {
	// Reason is what a client, the log and metrics are told.
	Reason exchange.Reason
	// Unsent says that no byte of the request can have reached the target, so
	// that any request may be sent again.
	Unsent bool
	// Stale says that a connection used before was closed by the target
	// without a byte of a response, the usual race with an idle timeout, or that
	// what came over it was not the response to this request alone.
	Stale bool
	Err   error
}

func (f *Failure) Error() string { return fmt.Sprintf("%s: %v", f.Reason, f.Err) }

func (f *Failure) Unwrap() error { return f.Err }

// connectFailure tells apart what getting a connection can fail with.
func connectFailure(err error) *Failure {
	f := &Failure{Reason: exchange.ConnectFailed, Unsent: true, Err: err}
	switch {
	case errors.Is(err, fasthttp.ErrNoFreeConns), errors.Is(err, fasthttp.ErrTimeout):
		f.Reason = exchange.QueueTimeout
	case isTimeout(err):
		f.Reason = exchange.ConnectTimeout
	}
	return f
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// readFailure tells apart what reading a response can fail with.
func readFailure(err error, onTimeout exchange.Reason) *Failure {
	var refusal *wire.Refusal
	switch {
	case errors.As(err, &refusal):
		return &Failure{Reason: exchange.UpstreamMalformed, Err: err}
	case sock.IsTimeout(err):
		return &Failure{Reason: onTimeout, Err: err}
	}
	return &Failure{Reason: exchange.UpstreamClosed, Err: err}
}
