package upstream

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// begin makes a budget, and the time that it begins at.
func begin(share float64) (*Budget, time.Time) {
	b, now := newBudget(share), time.Now()
	b.Begin(now, 0)
	return b, now
}

// granted asks for more retries than there can be.
func granted(b *Budget, now time.Time, requests uint64) (n int) {
	for b.Retry(now, requests) {
		n++
	}
	return n
}

// TestBudgetIsAShare: when every request wants retries without end, there are
// no more than the share of the requests and the reserve.
func TestBudgetIsAShare(t *testing.T) {
	b, now := begin(0.2)
	var requests atomic.Uint64
	var retries atomic.Int64
	var all sync.WaitGroup
	const workers, each = 8, 5000
	for range workers {
		all.Go(func() {
			for range each {
				n := requests.Add(1)
				for range 3 {
					if b.Retry(now, n) {
						retries.Add(1)
					}
				}
			}
		})
	}
	all.Wait()
	most := int64(workers*each/5 + budgetReserve)
	n := retries.Load()
	if n > most {
		t.Errorf("%d retries of %d requests, want at most %d", n, workers*each, most)
	}
	// What was refused because another was just counting is there later.
	if n += int64(granted(b, now, requests.Load())); n < most-1 || n > most {
		t.Errorf("%d retries of %d requests in all, want %d", n, workers*each, most)
	}
}

func TestBudgetOfNothing(t *testing.T) {
	b, now := begin(0)
	if n := granted(b, now, 1000); n != budgetReserve {
		t.Errorf("%d retries, want the reserve of %d", n, budgetReserve)
	}
}

// TestBudgetOfRecentRequests: what ten seconds of requests have paid in is there
// when a target dies, what was paid in before is not.
func TestBudgetOfRecentRequests(t *testing.T) {
	b, now := begin(0.2)
	minute := now.Add(time.Minute)
	if n := granted(b, minute, 300*60); n != budgetReserve+300*10/5 {
		t.Errorf("after a minute of 300 requests/s %d retries at once, want 610", n)
	}
	if n := granted(b, minute, 300*60); n != 0 {
		t.Errorf("%d retries more", n)
	}
	b, now = begin(0.2)
	b.Retry(now.Add(time.Minute), 300*60)
	if n := granted(b, now.Add(2*time.Minute), 300*60); n != budgetReserve {
		t.Errorf("a minute without requests leaves %d retries, want the reserve", n)
	}
}

// TestBudgetBeginsOnce: another route to the same upstream does not begin anew.
func TestBudgetBeginsOnce(t *testing.T) {
	b, now := begin(0.5)
	b.Begin(now, 100)
	if n := granted(b, now, 100); n != budgetReserve+50 {
		t.Errorf("%d retries, want 60", n)
	}
}
