package upstream

import (
	"sync/atomic"
	"time"
)

// Budget bounds retries to a share of the requests, so that an upstream in
// trouble is not asked several times as much as one that is well. What requests
// have paid in can be used for some seconds: where a target dies, all the retries
// that are needed are needed at once. It may be used from any goroutine, takes no
// lock, and costs a request that is not retried nothing.
type Budget struct {
	share   float64      // thousandths of a retry that each request pays in
	balance atomic.Int64 // thousandths of a retry

	begun     atomic.Bool
	refilling atomic.Bool
	at        time.Time // of the last refill; these two are guarded by refilling
	requests  uint64    // there had been then
}

const (
	// budgetReserve is how many retries there are at the start, and what does not
	// fade: enough for an upstream with few requests.
	budgetReserve = 10
	// budgetWindow is how long what was paid in lasts. It fades.
	budgetWindow = 10 * time.Second
)

func newBudget(share float64) *Budget {
	b := &Budget{share: share * 1000}
	b.balance.Store(budgetReserve * 1000)
	return b
}

// Begin says how many requests there had been when the budget began; only the
// first call matters.
func (b *Budget) Begin(now time.Time, requests uint64) {
	if b.begun.CompareAndSwap(false, true) {
		b.at, b.requests = now, requests
	}
}

// Retry reports whether there may be one more retry, and counts it. requests is
// how many requests there have been.
func (b *Budget) Retry(now time.Time, requests uint64) bool {
	if b.refilling.CompareAndSwap(false, true) {
		b.refill(now, requests)
		b.refilling.Store(false)
	}
	if b.balance.Add(-1000) >= 0 {
		return true
	}
	b.balance.Add(1000)
	return false
}

// refill adds what the requests since the last refill have paid in, and takes off
// what has faded. That may be long ago; then the requests are taken to have come
// evenly, and those of the window count.
func (b *Budget) refill(now time.Time, requests uint64) {
	elapsed := now.Sub(b.at)
	if elapsed < 0 || requests < b.requests {
		return // another goroutine was first, and knew more
	}
	passed := float64(elapsed) / float64(budgetWindow)
	paid := b.share * float64(requests-b.requests) / max(1, passed)
	balance := b.balance.Load()
	faded := float64(max(0, balance-budgetReserve*1000)) * min(1, passed)
	// What is less than a thousandth stays with the requests that paid it.
	if change := int64(paid - faded); change != 0 {
		b.balance.Add(change)
		b.at, b.requests = now, requests
	}
}
