package upstream

import "sync/atomic"

// Budget bounds retries to a share of the requests, so that an upstream in
// trouble is not asked several times as much as one that is well. It may be used
// from any goroutine and takes no lock.
type Budget struct {
	share   int64 // thousandths of a retry that each request pays in
	balance atomic.Int64
}

// budgetReserve is how many retries can be saved up, and are there at the start:
// enough for an upstream with few requests, and little against what a busy one has.
const budgetReserve = 10

func newBudget(share float64) *Budget {
	b := &Budget{share: int64(share * 1000)}
	b.balance.Store(budgetReserve * 1000)
	return b
}

// Request counts a request.
func (b *Budget) Request() {
	// The load in front keeps the common case, a full balance, from writing to
	// what all processors share.
	if b.balance.Load() < budgetReserve*1000 {
		b.balance.Add(b.share)
	}
}

// Retry reports whether there may be one more retry, and counts it.
func (b *Budget) Retry() bool {
	if b.balance.Add(-1000) >= 0 {
		return true
	}
	b.balance.Add(1000)
	return false
}
