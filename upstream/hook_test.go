package upstream

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// TestAnsweredDoesNotAllocate covers both the one load of good days and a success
// that ends a run.
func TestAnsweredDoesNotAllocate(t *testing.T) {
	r, stop := watched(t)
	defer stop()
	now := time.Now()
	for _, alert := range []bool{false, true} {
		n := testing.AllocsPerRun(1000, func() {
			r.alert.Store(alert)
			r.answered(now)
		})
		if n != 0 {
			t.Errorf("alert %v: %v allocations, want none", alert, n)
		}
	}
}

func watched(t testing.TB) (*record, func()) {
	t.Helper()
	second := config.Duration(time.Second)
	p, err := NewPool("u", config.Upstream{
		Balance: "weighted", Targets: []config.Target{{Address: "127.0.0.1:1", Weight: 1}},
		Health: &config.Health{Passive: &config.PassiveHealth{Failures: 5, Window: second, Eject: second, MaxEjected: 0.5}},
	}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Start()
	return p.Targets[0].health, p.Stop
}

// BenchmarkAnswered is what health costs a request that went well.
func BenchmarkAnswered(b *testing.B) {
	r, stop := watched(b)
	defer stop()
	now := time.Now()
	for b.Loop() {
		r.answered(now)
	}
}
