package telemetry

import (
	"sync/atomic"

	"github.com/sluiceproxy/sluice/exchange"
)

// common is what the counters of all routes share.
type common struct {
	native   atomic.Bool // native histograms were asked for; see [Metrics.WriteProtobuf]
	sums     striped[sumCell]
	failures failures      // of all routes, also of those that are gone
	firsts   atomic.Uint64 // how often a route was asked for the first time
}

// sumCell counts the exchanges of all routes by class and duration together, which
// is one addition each: to add up a hundred thousand routes takes long.
type sumCell struct {
	counts [len(classNames)][uncounted + 1]atomic.Uint64
}

// uncounted stands for the range of a duration that is not counted.
const uncounted = len(bounds) + 1

// count counts an exchange; stripe is what stripeIndex returned.
func (c *common) count(stripe, class int, f *exchange.Facts) {
	at := uncounted
	if !f.Upgraded {
		at = bucketOf(max(f.Duration, 0))
	}
	c.sums.of(stripe).counts[class][at].Add(1)
}

// figures are those of all routes together since the start.
func (c *common) figures() RouteFigures {
	var all RouteFigures
	c.sums.each(func(cell *sumCell) {
		for class := range cell.counts {
			for at := range cell.counts[class] {
				n := cell.counts[class][at].Load()
				all.count(class, n)
				if at != uncounted {
					all.Durations.counts[at] += n
				}
			}
		}
	})
	all.addFailures(&c.failures)
	return all
}
