package lb

import (
	"math"
	"sync/atomic"
)

const (
	memory      = 5e9          // ns after which trust in what was measured has fallen to 1/e
	leastSample = 1.0 / 16     // what one sample counts for at least
	failureCost = 4            // times the cost so far
	firstFault  = 100e6        // ns, cost of a node whose first known request fails
	maxCost     = 60e9         // ns
	ageing      = memory / 8.0 // ns that what is known ages by, see age
)

// latency is a peak-EWMA: a slower request than average raises it at once, a
// faster one lowers it by degrees.
type latency struct {
	cost  atomic.Uint64 // ns, as float64 bits; 0: never measured
	stamp atomic.Int64  // when cost was last measured
}

// read returns the cost in ns and how far it is believed, 0..1. Trust falls
// with the age of the last sample.
func (l *latency) read(now int64) (cost, trust float64) {
	cost = math.Float64frombits(l.cost.Load())
	if cost == 0 {
		return 0, 0
	}
	return cost, trustAt(float64(now - l.stamp.Load()))
}

func trustAt(age float64) float64 {
	if age <= 0 {
		return 1
	}
	x := age / memory
	if x < 1e-3 {
		return 1 - x // as near as matters, and most samples come sooner
	}
	return math.Exp(-x)
}

func (l *latency) succeeded(now, latency int64) {
	if latency <= 0 {
		return
	}
	sample := min(float64(latency), maxCost)
	trust := min(trustAt(float64(now-l.stamp.Load())), 1-leastSample)
	l.update(now, func(cost float64) float64 {
		if sample >= cost {
			return sample
		}
		return cost*trust + sample*(1-trust)
	})
}

// failed takes a failure for a peak, however fast it came, or a node that
// refuses everything at once would look best of all.
func (l *latency) failed(now, latency int64) {
	l.update(now, func(cost float64) float64 {
		if cost == 0 {
			cost = firstFault / failureCost
		}
		return min(max(float64(latency), cost*failureCost), maxCost)
	})
}

func (l *latency) update(now int64, next func(cost float64) float64) {
	for {
		old := l.cost.Load()
		if l.cost.CompareAndSwap(old, math.Float64bits(next(math.Float64frombits(old)))) {
			// Between the two a reader sees the new cost with the old age,
			// and no harm is done.
			l.stamp.Store(now)
			return
		}
	}
}

// age makes what is known of the node count for less, as time does.
func (l *latency) age() { l.stamp.Add(-ageing) }
