package lb

import "sync/atomic"

// Vigour is counted in parts of fullVigour.
const (
	fullVigour  = 1024
	minVigour   = fullVigour / 16 // a failing node is still tried now and then
	vigourStep  = fullVigour / 16 // gained by a success
	convalesces = 10_000          // ms in which time alone heals everything
)

// vigour is what nginx calls effective weight, as a part of the full weight so
// that pickers with different weights can share it. A failure halves it, down
// to a sixteenth. It comes back by a sixteenth with every success and wholly
// within ten seconds without a failure, so that a node which little is sent to
// recovers too.
type vigour struct {
	// lack is 0 for full vigour; otherwise the ms of the last change, shifted
	// left by 16, and what was lacking then.
	lack atomic.Uint64
}

// full is the fast check for what is nearly always so.
func (v *vigour) full() bool { return v.lack.Load() == 0 }

// left is the vigour at now, from minVigour to fullVigour.
func (v *vigour) left(now int64) int64 { return leftOf(v.lack.Load(), now) }

func leftOf(lack uint64, now int64) int64 {
	healed := max(now/1e6-int64(lack>>16), 0) * fullVigour / convalesces
	return min(fullVigour-int64(lack&0xffff)+healed, fullVigour)
}

func (v *vigour) succeeded(now int64) {
	for {
		lack := v.lack.Load()
		if lack == 0 || v.lack.CompareAndSwap(lack, lackOf(leftOf(lack, now)+vigourStep, now)) {
			return
		}
	}
}

func (v *vigour) failed(now int64) {
	for {
		lack := v.lack.Load()
		if v.lack.CompareAndSwap(lack, lackOf(max(leftOf(lack, now)/2, minVigour), now)) {
			return
		}
	}
}

func lackOf(left, now int64) uint64 {
	if left >= fullVigour {
		return 0
	}
	return uint64(max(now, 0)/1e6)<<16 | uint64(fullVigour-left)
}
