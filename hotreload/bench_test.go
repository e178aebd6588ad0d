package hotreload

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkSaveToApply measures from the end of an atomic save to the call of
// Apply, the debounce included. The save itself, which waits for the disk, is
// left out.
func BenchmarkSaveToApply(b *testing.B) {
	r := watch(b, nil)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		content := fmt.Sprint("content ", i)
		replace(b, r.path, content)
		saved := time.Now()
		r.expect(content)
		took = append(took, time.Since(saved))
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)-1]), "max-ms")
}
