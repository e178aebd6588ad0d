package lb

import (
	"math/rand/v2"
	"sync/atomic"
)

const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio

// source gives random numbers: the runtime's, which no two processors contend
// for, or with a seed a sequence that can be repeated.
type source struct {
	seeded bool
	state  atomic.Uint64
}

func (s *source) seed(seed uint64) {
	s.seeded = seed != 0
	s.state.Store(seed)
}

func (s *source) next() uint64 {
	if s.seeded {
		return mix(s.state.Add(golden))
	}
	return rand.Uint64()
}

// mix spreads every bit of x over all bits of the result, one to one. It is the
// finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below reports whether a random x falls into the first part of its range.
func below(x uint64, part float64) bool { return float64(x>>11) < part*(1<<53) }
