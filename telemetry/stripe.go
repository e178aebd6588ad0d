package telemetry

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// maxStripes bounds the memory of a counter set on machines of many cores.
const maxStripes = 16

// striped is a set of counters of type T, once per stripe, so that cores seldom
// write to the same cache line. A stripe is made when it is first used: of a
// hundred thousand routes, those never asked for cost next to nothing.
type striped[T any] struct {
	stripes []atomic.Pointer[T] // a power of two
}

func newStriped[T any]() striped[T] {
	n := min(runtime.GOMAXPROCS(0), maxStripes)
	return striped[T]{stripes: make([]atomic.Pointer[T], 1<<bits.Len(uint(n-1)))}
}

// own returns the stripe of the core at work. Others may write to it as well, so
// its counters must be atomic. It does not allocate but for a stripe's first use.
func (s *striped[T]) own() *T {
	i := stripeIndex() & (len(s.stripes) - 1)
	if c := s.stripes[i].Load(); c != nil {
		return c
	}
	s.stripes[i].CompareAndSwap(nil, new(T))
	return s.stripes[i].Load()
}

// each calls f for the stripes in use and reports whether there are any.
func (s *striped[T]) each(f func(*T)) bool {
	used := false
	for i := range s.stripes {
		if c := s.stripes[i].Load(); c != nil {
			used = true
			f(c)
		}
	}
	return used
}

// token carries the number of a stripe. A sync.Pool keeps what was put back for
// the same core, which makes it the cheapest way to tell cores apart.
type token struct{ stripe int }

var (
	lastToken atomic.Int64
	tokens    = sync.Pool{New: func() any { return &token{int(lastToken.Add(1))} }}
)

func stripeIndex() int {
	t := tokens.Get().(*token)
	i := t.stripe
	tokens.Put(t)
	return i
}
