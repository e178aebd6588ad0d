package telemetry

import (
	"math"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// The buckets of native histograms: the k-th ends at 2^(k/8) seconds, so that
// quantiles are known to some 4 %. What is not above 2^-15 s (31 µs) is in the
// zero bucket; what is above 2^12 s (68 minutes) is all in the last one.
const (
	nativeSchema = 3 // 2^3 buckets for each doubling
	nativeZero   = -15 << nativeSchema
	nativeLast   = 12 << nativeSchema
)

// fineSlots is one more than there are bounds of fine buckets.
const fineSlots = 233

// fineBuckets counts in ranges that end wherever those of native histograms or of
// bounds do, so that both are had of one count.
type fineBuckets struct {
	slots [fineSlots]atomic.Uint64
	sum   atomic.Uint64 // nanoseconds
}

func (f *fineBuckets) observe(d uint64) {
	f.slots[fineOf(d)].Add(1)
	f.sum.Add(d)
}

// layout says which slot means what.
type layout struct {
	bounds []uint64         // upper, inclusive ends in nanoseconds; the last slot has none
	coarse [fineSlots]uint8 // the bucket among bounds
	native [fineSlots]int   // the native bucket, nativeZero for the zero bucket
	first  [59 * 32]uint8   // by fineKey, the slot of the smallest number that has it
}

var fine = layFine()

func layFine() (l layout) {
	for k := nativeZero; k <= nativeLast; k++ {
		l.bounds = append(l.bounds, nativeEnd(k))
	}
	for _, b := range bounds {
		l.bounds = append(l.bounds, uint64(b))
	}
	slices.Sort(l.bounds)
	l.bounds = slices.Compact(l.bounds)
	k := nativeZero
	for i, end := range l.bounds {
		for end > nativeEnd(k) {
			k++
		}
		l.coarse[i], l.native[i] = uint8(bucketOf(time.Duration(end))), k
	}
	l.coarse[len(l.bounds)], l.native[len(l.bounds)] = uint8(len(bounds)), nativeLast+1
	for key := range l.first {
		smallest := uint64(key%32) << (key / 32)
		i, _ := slices.BinarySearch(l.bounds, smallest)
		l.first[key] = uint8(i)
	}
	return l
}

// nativeEnd is the last whole nanosecond in the k-th native bucket.
func nativeEnd(k int) uint64 {
	return uint64(math.Exp2(float64(k)/(1<<nativeSchema)) * 1e9)
}

// fineKey is the length of d and its first five bits.
func fineKey(d uint64) int {
	shift := max(bits.Len64(d)-5, 0)
	return shift<<5 | int(d>>shift)
}

// fineOf returns the slot of d, which is below 2^63.
func fineOf(d uint64) int {
	i := int(fine.first[fineKey(d)])
	for i < len(fine.bounds) && d > fine.bounds[i] { // two steps at most
		i++
	}
	return i
}

// nativeMetric returns what was observed since native histograms are wanted, as a
// native histogram and with the buckets of bounds: a scraper keeps what it likes.
func (t *tally) nativeMetric(s *reading, d *Definition, labels []string) prometheus.Metric {
	positive := make(map[int]int64)
	var total, cumulative, zero uint64
	var coarse [len(bounds) + 1]uint64
	for i, n := range t.fine {
		total += n
		coarse[fine.coarse[i]] += n
		switch {
		case n == 0:
		case fine.native[i] == nativeZero:
			zero += n
		default:
			positive[fine.native[i]] += int64(n)
		}
	}
	m, err := prometheus.NewConstNativeHistogram(d.desc, total, time.Duration(t.fineSum).Seconds(),
		positive, nil, zero, nativeSchema, math.Exp2(float64(nativeZero)/(1<<nativeSchema)), s.nativeSince, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(d.desc, err)
	}
	both := bothHistograms{Metric: m}
	for i, b := range bounds {
		cumulative += coarse[i]
		both.buckets = append(both.buckets, &dto.Bucket{CumulativeCount: new(cumulative), UpperBound: new(b.Seconds())})
	}
	return both
}

// bothHistograms is a native histogram that has buckets with bounds, too.
type bothHistograms struct {
	prometheus.Metric
	buckets []*dto.Bucket
}

// Write implements prometheus.Metric.
func (b bothHistograms) Write(out *dto.Metric) error {
	if err := b.Metric.Write(out); err != nil {
		return err
	}
	out.Histogram.Bucket = b.buckets
	return nil
}
