package telemetry

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// bounds are the upper, inclusive ends of the latency buckets. No two lie in one
// power of two of nanoseconds, which bucketOf relies on.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, 60 * time.Second,
}

// firstBucket holds, by bit length, the bucket of the shortest duration of that
// length; a longer one of the same length is at most one bucket on.
var firstBucket = func() (t [65]uint8) {
	for n := 1; n < len(t); n++ {
		shortest := uint64(1) << (n - 1)
		i := 0
		for i < len(bounds) && shortest > uint64(bounds[i]) {
			i++
		}
		t[n] = uint8(i)
	}
	return t
}()

// bucketOf returns the bucket of d, len(bounds) for the one without an end.
// d must not be negative.
func bucketOf(d time.Duration) int {
	i := int(firstBucket[bits.Len64(uint64(d))])
	if i < len(bounds) && d > bounds[i] {
		i++
	}
	return i
}

// histogram counts durations. The zero value is ready; any number of goroutines
// may observe. Once native histograms were asked for, what is observed counts in
// fine only.
type histogram struct {
	sum     atomic.Uint64 // nanoseconds
	fine    atomic.Pointer[fineBuckets]
	buckets [len(bounds) + 1]atomic.Uint64
}

// observe counts d; a negative one, of a clock set back, counts as 0. It does not
// allocate but for the first one after native became true.
func (h *histogram) observe(d time.Duration, native *atomic.Bool) {
	d = max(d, 0)
	if native.Load() {
		h.fineBuckets().observe(uint64(d))
		return
	}
	h.buckets[bucketOf(d)].Add(1)
	h.sum.Add(uint64(d))
}

func (h *histogram) fineBuckets() *fineBuckets {
	if f := h.fine.Load(); f != nil {
		return f
	}
	h.fine.CompareAndSwap(nil, new(fineBuckets))
	return h.fine.Load()
}

// count returns how many durations were observed.
func (h *histogram) count() (n uint64) {
	for i := range h.buckets {
		n += h.buckets[i].Load()
	}
	if f := h.fine.Load(); f != nil {
		for i := range f.slots {
			n += f.slots[i].Load()
		}
	}
	return n
}

// tally is the sum of the stripes of a histogram.
type tally struct {
	buckets [len(bounds) + 1]uint64 // without what is in fine
	sum     uint64
	fine    [fineSlots]uint64
	fineSum uint64
}

func (t *tally) add(h *histogram) {
	for i := range h.buckets {
		t.buckets[i] += h.buckets[i].Load()
	}
	t.sum += h.sum.Load()
	if f := h.fine.Load(); f != nil {
		for i := range f.slots {
			t.fine[i] += f.slots[i].Load()
		}
		t.fineSum += f.sum.Load()
	}
}

// all returns how many durations fell into each range of bounds.
func (t *tally) all() [len(bounds) + 1]uint64 {
	counts := t.buckets
	for i, n := range t.fine {
		counts[fine.coarse[i]] += n
	}
	return counts
}

// metric returns the histogram with the buckets of bounds, or where the scrape
// wants that a native one with both.
func (t *tally) metric(s *reading, d *Definition, labels ...string) prometheus.Metric {
	if s.native {
		return t.nativeMetric(s, d, labels)
	}
	counts := t.all()
	cumulative := make(map[float64]uint64, len(bounds))
	count := uint64(0)
	for i, b := range bounds {
		count += counts[i]
		cumulative[b.Seconds()] = count
	}
	count += counts[len(bounds)]
	m, err := prometheus.NewConstHistogram(d.desc, count, time.Duration(t.sum+t.fineSum).Seconds(), cumulative, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(d.desc, err)
	}
	return m
}
