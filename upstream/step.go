package upstream

import (
	"errors"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// statusLine is how every response begins.
const statusLine = "HTTP/1."

var errOutOfStep = errors.New("two responses came for one request, so neither can be trusted to be its own")

// outOfStep reports whether on a connection used before another response follows
// the one that has begun, in what was read with it. Then the first may have come
// before the request was sent, as the answer to somebody else's.
func (t *Trip) outOfStep() bool {
	if !t.c.used || !t.headed {
		return false
	}
	rest := t.in.bytes()[t.headLen:]
	switch t.Response.Framing {
	case wire.FramingChunked:
		chunks := t.chunks // so that the body is still to be read
		for err := error(nil); len(rest) > 0 && err == nil && !chunks.Done(); {
			var n int
			_, n, err = chunks.Next(rest)
			rest = rest[n:]
		}
		if !chunks.Done() {
			return false
		}
	case wire.FramingClose:
		return false
	default:
		rest = rest[min(t.left, int64(len(rest))):]
	}
	n := min(len(rest), len(statusLine))
	return n > 0 && string(rest[:n]) == statusLine[:n]
}

// disorder is the failure of a trip that is out of step.
func (t *Trip) disorder() *Failure {
	t.target.observer.Stale()
	t.target.life.talks.Store(true)
	return &Failure{Reason: exchange.UpstreamMalformed, Stale: true, Err: errOutOfStep}
}
