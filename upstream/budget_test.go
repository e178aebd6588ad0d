package upstream

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestBudgetIsAShare: when every request wants retries without end, there are
// no more than the share of the requests and the reserve.
func TestBudgetIsAShare(t *testing.T) {
	b := newBudget(0.2)
	var retries atomic.Int64
	var all sync.WaitGroup
	const workers, each = 8, 5000
	for range workers {
		all.Go(func() {
			for range each {
				b.Request()
				for range 3 {
					if b.Retry() {
						retries.Add(1)
					}
				}
			}
		})
	}
	all.Wait()
	most := int64(workers*each/5 + budgetReserve + workers)
	if n := retries.Load(); n > most || n < most*9/10 {
		t.Errorf("%d retries of %d requests, want at most %d and about that", n, workers*each, most)
	}
}

func TestBudgetOfNothing(t *testing.T) {
	b := newBudget(0)
	granted := 0
	for range 1000 {
		b.Request()
		if b.Retry() {
			granted++
		}
	}
	if granted != budgetReserve {
		t.Errorf("%d retries, want the reserve of %d", granted, budgetReserve)
	}
}
