package telemetry

import (
	"sync/atomic"

	"github.com/sluiceproxy/sluice/exchange"
)

// UpstreamMetrics are the counters of one upstream. A generation resolves them
// when it compiles; any number of goroutines may use them.
type UpstreamMetrics struct {
	name    string
	native  *atomic.Bool // see [Metrics.WriteProtobuf]
	cells   striped[upstreamCell]
	refused failures
}

// upstreamCell is laid out so that most requests write to its first cache line only.
type upstreamCell struct {
	header                        histogram
	headless, retries, suppressed atomic.Uint64 // headless: requests without a response head
	_                             [8]byte
}

// requests is one addition less for each than a counter of its own.
func (c *upstreamCell) requests() uint64 { return c.headless.Load() + c.header.count() }

// Suppressed counts a retry that the budget did not allow.
func (u *UpstreamMetrics) Suppressed() { u.cells.own().suppressed.Add(1) }

// Requests returns how many exchanges were counted.
func (u *UpstreamMetrics) Requests() uint64 {
	var n uint64
	u.cells.each(func(c *upstreamCell) { n += c.requests() })
	return n
}

// Observe counts an exchange that has ended and was to go to the upstream. It
// does not allocate, but for the first uses of an upstream.
func (u *UpstreamMetrics) Observe(f *exchange.Facts) {
	if metered {
		u.observe(stripeIndex(), f)
	}
}

func (u *UpstreamMetrics) observe(stripe int, f *exchange.Facts) {
	c := u.cells.of(stripe)
	if f.Attempts > 1 {
		c.retries.Add(uint64(f.Attempts - 1))
	}
	switch f.Reason {
	case exchange.NoTarget, exchange.ConcurrencyFull, exchange.ConcurrencyTimeout, exchange.QueueFull, exchange.QueueTimeout:
		u.refused.add(f.Reason)
	}
	if f.HeaderTime > 0 {
		c.header.observe(f.HeaderTime, u.native)
	} else {
		c.headless.Add(1)
	}
}

func (u *UpstreamMetrics) collect(s *reading) {
	var requests, retries, suppressed uint64
	var header tally
	u.cells.each(func(c *upstreamCell) {
		requests += c.requests()
		retries += c.retries.Load()
		suppressed += c.suppressed.Load()
		header.add(&c.header)
	})
	s.ch <- UpstreamRequests.metric(float64(requests), u.name)
	s.ch <- UpstreamRetries.metric(float64(retries), u.name)
	s.ch <- UpstreamSuppressed.metric(float64(suppressed), u.name)
	s.ch <- header.metric(s, UpstreamHeader, u.name)
	u.refused.each(func(reason string, n float64) {
		s.ch <- UpstreamRefused.metric(n, u.name, reason)
	})
}
