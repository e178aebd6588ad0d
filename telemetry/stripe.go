package telemetry

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// maxStripes bounds the memory of a counter set on machines of many cores.
const maxStripes = 16

// firstStripes is how many stripes stand where the counters do.
const firstStripes = 2

// striped is a set of counters of type T, once per stripe, so that cores seldom
// write to the same cache line. A stripe is made when it is first used: of a
// hundred thousand routes, those never asked for cost next to nothing.
type striped[T any] struct {
	mask int // one less than there are stripes, a power of two
	// The first ones stand here: another look at memory is what takes time where
	// routes are many.
	first [firstStripes]atomic.Pointer[T]
	more  []atomic.Pointer[T]
}

func newStriped[T any]() striped[T] {
	n := 1 << bits.Len(uint(min(runtime.GOMAXPROCS(0), maxStripes)-1))
	return striped[T]{mask: n - 1, more: make([]atomic.Pointer[T], max(0, n-firstStripes))}
}

func (s *striped[T]) at(i int) *atomic.Pointer[T] {
	if i < firstStripes {
		return &s.first[i]
	}
	return &s.more[i-firstStripes]
}

// own returns the stripe of the core at work. Others may write to it as well, so
// its counters must be atomic. It does not allocate but for a stripe's first use.
func (s *striped[T]) own() *T { return s.of(stripeIndex()) }

// of is own for who knows already what stripeIndex returns.
func (s *striped[T]) of(stripe int) *T {
	p := s.at(stripe & s.mask)
	if c := p.Load(); c != nil {
		return c
	}
	p.CompareAndSwap(nil, new(T))
	return p.Load()
}

// each calls f for the stripes in use and reports whether there are any.
func (s *striped[T]) each(f func(*T)) bool {
	used := false
	for i := range s.mask + 1 {
		if c := s.at(i).Load(); c != nil {
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
