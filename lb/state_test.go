package lb

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

// TestStateOutlivesProcess has another process, with another clock, take over what
// is known of a node.
func TestStateOutlivesProcess(t *testing.T) {
	const here, there = int64(1e15), int64(3e6)
	old := NewNode("a")
	for i := range int64(10) {
		old.Start()
		old.Done(here-1e9+i, 20e6, true)
	}
	old.Start()
	old.Done(here-5e8, 0, false)
	data, err := json.Marshal(old.State(here))
	if err != nil {
		t.Fatal(err)
	}
	var s NodeState
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	next := NewNode("a")
	next.Restore(s, there)
	for _, later := range []int64{0, 1e9, 5e9} {
		if a, b := old.Latency(here+later), next.Latency(there+later); a == 0 || a-b > 1 || b-a > 1 {
			t.Errorf("after %s the latency is %d, in the new process %d", time.Duration(later), a, b)
		}
	}
	// Vigour heals at the same pace, but for the rounding of one more step.
	a, b := old.State(here+3e9).Lack, next.State(there+3e9).Lack
	if a == 0 || a-b > 1 || b-a > 1 {
		t.Errorf("lack %d, in the new process %d", a, b)
	}
}

func TestRestoreTakesAnything(t *testing.T) {
	for _, s := range []NodeState{
		{}, {Cost: math.NaN()}, {Cost: -1, Age: -1, Lack: -1}, {Cost: math.Inf(1), Age: math.MinInt64, Lack: math.MaxInt64},
		{Lack: math.MinInt64}, {Cost: 1, Age: math.MaxInt64},
	} {
		n := NewNode("a")
		n.Restore(s, 1e9)
		got := n.State(1e9)
		if got.Lack < 0 || got.Lack > 960 || n.Latency(1e9) < 0 || n.Latency(1e9) > 60e9 {
			t.Errorf("%+v became %+v, latency %d", s, got, n.Latency(1e9))
		}
	}
}
