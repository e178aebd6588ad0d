package telemetry

import (
	"sync/atomic"

	"github.com/sluiceproxy/sluice/exchange"
)

// reasonSlots is more than there are reasons; a test sees to it.
const reasonSlots = 32

// failures counts by reason. Failing is rare, so it is not striped, and costs no
// memory before it happens. The zero value is ready; safe for any goroutine.
type failures struct {
	slots atomic.Pointer[[reasonSlots]atomic.Uint64]
}

// add counts r. It does not allocate but for the first time.
func (f *failures) add(r exchange.Reason) {
	slots := f.slots.Load()
	if slots == nil {
		f.slots.CompareAndSwap(nil, new([reasonSlots]atomic.Uint64))
		slots = f.slots.Load()
	}
	slots[min(int(r), reasonSlots-1)].Add(1)
}

// of returns how often r was counted.
func (f *failures) of(r exchange.Reason) uint64 {
	slots := f.slots.Load()
	if slots == nil {
		return 0
	}
	return slots[r].Load()
}

// each calls fn for the reasons that were counted.
func (f *failures) each(fn func(reason string, n float64)) {
	slots := f.slots.Load()
	if slots == nil {
		return
	}
	for r := range slots {
		if n := slots[r].Load(); n > 0 {
			fn(exchange.Reason(r).String(), float64(n))
		}
	}
}
