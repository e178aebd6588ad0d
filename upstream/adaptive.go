package upstream

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// What an adaptive limit is found by. Latency within the tolerance of the baseline
// counts as no queue.
const (
	firstLimit   = 20
	tolerance    = 1.25
	leastSamples = 20
	leastWindow  = int64(100 * time.Millisecond)
	mostWindow   = int64(5 * time.Second)
	measureEvery = int64(30 * time.Second)
	outlier      = 8 // times the baseline is what one sample counts for at most
)

// adaptive finds the limit beyond which more requests in flight make each take
// longer. At the end of each window the limit is scaled by what latency is without
// a queue, the baseline, over what it was in the window, and raised by its square
// root, so that it stays a little above the knee: the gradient of Netflix's
// concurrency-limits and of Envoy. It grows only while it is made use of.
//
// The baseline follows latency down at any time, but up only while the upstream is
// not busy, for else it would learn the queue. An upstream that stays busy is
// measured now and then at half the limit.
type adaptive struct {
	limit atomic.Int64

	// The window under way.
	sum, count, peak atomic.Int64
	ends             atomic.Int64 // on Clock
	most             atomic.Int64 // what a sample counts for; 0: not known yet

	mu              sync.Mutex
	least, greatest float64
	exact           float64 // limit before rounding
	short, baseline float64 // ns
	measureAt       int64   // on Clock
	step            measuring
	before          float64 // limit before a measurement
}

// measuring is how far the finding of the baseline at half the limit has come.
type measuring uint8

const (
	atRest   measuring = iota
	settling           // requests of before are ending
	looking            // this window tells
)

// newAdaptive returns the controller for def, nil without one. What prev has
// learned is taken over.
func newAdaptive(def *config.Adaptive, prev *adaptive) *adaptive {
	if def == nil {
		return nil
	}
	a := &adaptive{least: float64(def.Min), greatest: float64(def.Max), exact: firstLimit}
	if prev != nil {
		prev.mu.Lock()
		a.exact, a.short, a.baseline, a.measureAt = prev.exact, prev.short, prev.baseline, prev.measureAt
		prev.mu.Unlock()
	}
	a.set(a.exact)
	return a
}

// set changes the limit. The caller holds mu, or nobody else knows a.
func (a *adaptive) set(limit float64) {
	a.exact = min(max(limit, a.least), a.greatest)
	a.limit.Store(int64(a.exact))
}

func (a *adaptive) state() (latency, baseline time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Duration(a.short), time.Duration(a.baseline)
}

// sample takes in that a request was answered at now, in ns on [Clock], after
// latency, and reports whether the limit may have changed. It takes no lock but at
// the end of a window, and never waits for one.
func (a *adaptive) sample(now, latency, inFlight int64) (changed bool) {
	if most := a.most.Load(); most > 0 {
		latency = min(latency, most)
	}
	a.sum.Add(latency)
	if inFlight > a.peak.Load() {
		a.peak.Store(inFlight) // may lose against another, which was as high at that moment
	}
	if a.count.Add(1) < leastSamples || now < a.ends.Load() || !a.mu.TryLock() {
		return false
	}
	defer a.mu.Unlock()
	count := a.count.Swap(0)
	if count < leastSamples {
		a.count.Add(count) // another has just ended the window
		return false
	}
	a.close(float64(a.sum.Swap(0))/float64(count), float64(a.peak.Swap(0)), now)
	a.ends.Store(now + min(max(2*int64(a.short), leastWindow), mostWindow))
	a.most.Store(int64(a.baseline * outlier))
	return true
}

// close draws the conclusion from a window: its mean latency, and the most requests
// that were in flight. The caller holds mu.
func (a *adaptive) close(short, peak float64, now int64) {
	a.short = short
	busy := peak >= a.exact/2
	switch {
	case a.baseline == 0:
		a.baseline, a.measureAt = short, now+measureEvery
	case a.step == settling:
		a.step = looking
		return
	case a.step == looking:
		a.step, a.baseline, a.measureAt = atRest, short, now+measureEvery
		a.set(a.before)
		return
	case short < a.baseline:
		a.baseline += (short - a.baseline) / 10
	case !busy || a.exact <= a.least:
		a.baseline += (short - a.baseline) / 50
	}
	switch {
	case !busy:
		return
	case now >= a.measureAt:
		a.step, a.before = settling, a.exact
		a.set(a.exact / 2)
		return
	}
	gradient := min(max(tolerance*a.baseline/short, 0.5), 1)
	next := a.exact*gradient + math.Sqrt(a.exact)
	if next < a.exact {
		next = (a.exact + next) / 2 // one bad window may be chance
	}
	a.set(next)
}
