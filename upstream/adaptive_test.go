package upstream

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// knee is an upstream whose requests take longer once more than so many are in
// flight, and a controller before it. Its clock is its own.
type knee struct {
	a     *adaptive
	base  float64 // ns
	most  float64 // in flight without a queue
	now   int64
	noise *rand.Rand
}

func newKnee(base time.Duration, most float64, bounds config.Adaptive) *knee {
	return &knee{a: newAdaptive(&bounds, nil), base: float64(base), most: most, now: 1e9, noise: rand.New(rand.NewPCG(1, 2))}
}

// run lets time pass with as much in flight as is wanted and allowed, and returns
// the mean limit of its second half.
func (k *knee) run(span time.Duration, wanted int64) float64 {
	sum, n := 0.0, 0.0
	for begun, end := k.now, k.now+int64(span); k.now < end; {
		inFlight := min(k.a.limit.Load(), wanted)
		latency := k.base * max(1, float64(inFlight)/k.most) * (0.8 + 0.4*k.noise.Float64())
		k.now += int64(latency) / inFlight
		k.a.sample(k.now, int64(latency), inFlight)
		if k.now > begun+(end-begun)/2 {
			sum += float64(k.a.limit.Load())
			n++
		}
	}
	return sum / n
}

// TestAdaptiveSettlesNearTheKnee under more load than there is room for, from
// below and from above, and follows an upstream that changes.
func TestAdaptiveSettlesNearTheKnee(t *testing.T) {
	for _, most := range []float64{10, 50} {
		for _, base := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond} {
			k := newKnee(base, most, config.Adaptive{Min: 4, Max: 2000})
			near := func(what string, span time.Duration) {
				t.Helper()
				if got := k.run(span, 5000); got < k.most || got > 1.25*k.most+30 {
					t.Errorf("%s: knee at %.0f and %v: settled at %.0f; the baseline is %v", what, k.most, base, got, time.Duration(k.a.baseline))
				}
			}
			near("at the start", time.Minute)
			k.most *= 2
			near("twice as wide", 2*time.Minute)
			k.most /= 4
			near("a quarter as wide", 2*time.Minute)
			k.base *= 3
			near("three times as slow", 4*time.Minute)
			k.base /= 3
			near("fast again", 2*time.Minute)
		}
	}
}

// TestAdaptiveGrowsOnlyInUse: what little is asked for says nothing of a limit.
func TestAdaptiveGrowsOnlyInUse(t *testing.T) {
	k := newKnee(10*time.Millisecond, 100, config.Adaptive{Min: 4, Max: 500})
	if got := k.run(time.Minute, 5); got != firstLimit {
		t.Errorf("with 5 in flight the limit is %.0f, want %d", got, firstLimit)
	}
	k.base *= 5 // slower, and no fault of ours
	k.run(time.Minute, 5)
	if got := time.Duration(k.a.baseline); got < 45*time.Millisecond {
		t.Errorf("the baseline is %v, want about 50ms", got)
	}
	if got := k.run(time.Minute, 5000); got < 100 || got > 150 {
		t.Errorf("under load the limit is %.0f, want a little over 100", got)
	}
}

func TestAdaptiveKeepsItsBounds(t *testing.T) {
	k := newKnee(10*time.Millisecond, 100, config.Adaptive{Min: 30, Max: 40})
	if got := k.run(time.Minute, 5000); got < 39 || got > 40 {
		t.Errorf("limit %.1f, want 40 but for when it is measured", got)
	}
	k.most = 3
	least := int64(1000)
	for range 50 {
		k.run(200*time.Millisecond, 5000)
		least = min(least, k.a.limit.Load())
	}
	if least != 30 {
		t.Errorf("the least limit was %d, want 30", least)
	}
	b := newAdaptive(&config.Adaptive{Min: 1, Max: 20}, k.a)
	if got := b.limit.Load(); got != 20 || b.baseline != k.a.baseline {
		t.Errorf("taken over with limit %d and baseline %v", got, time.Duration(b.baseline))
	}
	if newAdaptive(nil, k.a) != nil {
		t.Error("there is one without a definition")
	}
}

// BenchmarkAdaptive is what an adaptive limit costs a request.
func BenchmarkAdaptive(b *testing.B) {
	a := newAdaptive(&config.Adaptive{Min: 8, Max: 1024}, nil)
	b.ReportAllocs()
	now := int64(0)
	for b.Loop() {
		now += 1000
		a.sample(now, 1e6, 10)
	}
}
