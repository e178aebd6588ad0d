package lb

import (
	"math"
	"strings"
	"sync"
	"testing"
)

func TestWeightedOrder(t *testing.T) {
	for _, test := range []struct {
		weights []int
		want    string
	}{
		{[]int{5, 1, 1}, "aabacaa" + "aabacaa"},
		{[]int{10, 2, 2}, "aabacaa"},
		{[]int{1, 1, 1}, "abcabc"},
		{[]int{3, 2}, "ababa"},
		{[]int{4, 2, 1}, "abacaba"},
		{[]int{5, 0, 1}, "aaacaa"},
		{[]int{7}, "aaa"},
	} {
		g := newGroup(t, "weighted", Options{Seed: 1}, test.weights...)
		if got := g.seq(len(test.want)); got != test.want {
			t.Errorf("weights %v give %s, want %s", test.weights, got, test.want)
		}
	}
}

func TestSeedTurnsTheCycle(t *testing.T) {
	for seed, want := range map[uint64]string{1: "aabacaa", 2: "abacaaa", 4: "acaaaab", 8: "aabacaa"} {
		if got := newGroup(t, "weighted", Options{Seed: seed}, 5, 1, 1).seq(7); got != want {
			t.Errorf("seed %d gives %s, want %s", seed, got, want)
		}
	}
}

// Replicas of a proxy must not all call on the first node first.
func TestStartDiffersBetweenPickers(t *testing.T) {
	firsts := map[string]int{}
	for range 3000 {
		firsts[newGroup(t, "round_robin", Options{}, 1, 1, 1).seq(1)]++
	}
	wantParts(t, firsts, 0.06, 1, 1, 1)
	g := newGroup(t, "weighted", Options{}, 5, 1, 1)
	if got := g.seq(7); !strings.Contains("aabacaaaabacaa", got) {
		t.Errorf("%s is not a turned aabacaa", got)
	}
}

func TestRoundRobinHeedsNoWeights(t *testing.T) {
	if got := newGroup(t, "round_robin", Options{Seed: 1}, 5, 0, 1, 9).seq(9); got != "acdacdacd" {
		t.Errorf("got %s", got)
	}
}

// The turns of a node that is out must not all go to the one after it.
func TestOthersKeepTheirProportions(t *testing.T) {
	g := newGroup(t, "weighted", Options{Seed: 1}, 5, 1, 1)
	g.nodes[0].SetUsable(false)
	if got := g.seq(8); got != "bcbcbcbc" {
		t.Errorf("without a: %s", got)
	}
	g.nodes[0].SetUsable(true)
	g.nodes[1].SetUsable(false)
	wantParts(t, g.counts(6000), 1e-3, 5, 0, 1)

	rr := newGroup(t, "round_robin", Options{Seed: 1}, 1, 1, 1, 1)
	rr.nodes[1].SetUsable(false)
	rr.nodes[2].SetUsable(false)
	if got := rr.seq(6); got != "adadad" {
		t.Errorf("without b and c: %s", got)
	}
}

// The same where the others hold too few turns to be met by walking.
func TestOthersKeepTheirProportionsByScan(t *testing.T) {
	g := newGroup(t, "weighted", Options{Seed: 1}, 3, 1, 2, 10_000, 10_001)
	g.nodes[3].SetUsable(false)
	g.nodes[4].SetUsable(false)
	wantParts(t, g.counts(6000), 2e-3, 3, 1, 2)
}

func TestRetriesUseUpNoTurns(t *testing.T) {
	g := newGroup(t, "weighted", Options{Seed: 1}, 5, 1, 1)
	var first, retry strings.Builder
	for range 14 {
		first.WriteString(nameOf(g.picker.Pick(Request{})))
		retry.WriteString(nameOf(g.picker.Pick(Request{Tried: g.tried("a")})))
	}
	if got := first.String(); got != "aabacaaaabacaa" {
		t.Errorf("first tries go to %s", got)
	}
	if got := retry.String(); got != "bcbcbcbcbcbcbc" {
		t.Errorf("retries go to %s", got)
	}
}

func TestShareIsEvenlySpread(t *testing.T) {
	g := newGroup(t, "weighted", Options{Seed: 1}, 1, 1)
	g.nodes[1].SetShare(0.5)
	if got := g.seq(9); got != "aabaabaab" {
		t.Errorf("half a share: %s", got)
	}
	g.nodes[0].SetShare(0.01)
	g.nodes[1].SetShare(0.01)
	wantParts(t, g.counts(5000), 0.01, 1, 1)
}

func TestFailuresCostTurnsAndSuccessesBringThemBack(t *testing.T) {
	g := newGroup(t, "weighted", Options{Seed: 1}, 1, 1)
	a := g.nodes[0]
	part := func(now int64) float64 {
		picks := 0
		for range 1600 {
			if g.picker.Pick(Request{Now: now}) == a {
				picks++
			}
		}
		return float64(picks) / float64(1600-picks) // of b's
	}
	near := func(got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.02 {
			t.Errorf("a has %.3f of b's turns, want %.3f", got, want)
		}
	}
	done := func(now int64, ok bool) { a.Start(); a.Done(now, ms, ok) }

	now := int64(5e9)
	near(part(now), 1)
	done(now, false)
	near(part(now), 1.0/2)
	done(now, false)
	near(part(now), 1.0/4)
	for range 20 {
		done(now, false)
	}
	near(part(now), 1.0/16)
	for range 3 {
		done(now, true)
	}
	near(part(now), 4.0/16)
	near(part(now+2500*ms), 8.0/16) // time heals too
	near(part(now+60_000*ms), 1)
	for range 12 {
		done(now, true)
	}
	near(part(now), 1)
	if !a.vigour.full() {
		t.Error("a healed node has not come back to the fast path")
	}
}

func TestRoundRobinGivesAFailingNodeItsTurns(t *testing.T) {
	g := newGroup(t, "round_robin", Options{Seed: 1}, 1, 1)
	g.nodes[0].Start()
	g.nodes[0].Done(0, ms, false)
	if got := g.seq(6); got != "ababab" {
		t.Errorf("got %s", got)
	}
}

func TestTotalsAreExactFromManyGoroutines(t *testing.T) {
	g := newGroup(t, "weighted", Options{}, 5, 1, 1)
	const workers, rounds = 8, 700
	counts := make([]map[string]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { counts[w] = g.counts(7 * rounds) })
	}
	wg.Wait()
	total := map[string]int{}
	for _, c := range counts {
		for name, picks := range c {
			total[name] += picks
		}
	}
	if all := workers * rounds; total["a"] != 5*all || total["b"] != all || total["c"] != all {
		t.Errorf("totals are %v, want 5:1:1 of %d", total, 7*all)
	}
}

func TestSequences(t *testing.T) {
	many := func(n int, weight func(int) int) []int {
		weights := make([]int, n)
		for i := range weights {
			weights[i] = weight(i)
		}
		return weights
	}
	for name, weights := range map[string][]int{
		"none":             nil,
		"one":              {12},
		"smooth":           {7, 3, 2, 2, 1},
		"1000 equal":       many(1000, func(int) int { return 77 }),
		"1000 by deadline": many(1000, func(i int) int { return 1 + i%100 }),
	} {
		got := make([]int, len(weights))
		last := make([]int, len(weights))
		turns := sequence(weights)
		for at, i := range turns {
			if w := weights[i]; got[i] > 0 && name != "one" {
				// No gap is twice the even one, and a turn more.
				if gap, even := at-last[i], float64(len(turns))/float64(w)*float64(total(weights))/float64(len(turns)); float64(gap) > 2*even+1 {
					t.Errorf("%s: %d has a gap of %d turns, even would be %.1f", name, i, gap, even)
				}
			}
			last[i] = at
			got[i]++
		}
		divisor := 0
		if len(turns) > 0 {
			divisor = total(weights) / len(turns)
		}
		for i, w := range weights {
			if got[i]*divisor != w {
				t.Fatalf("%s: %d comes %d times, want %d", name, i, got[i], w/divisor)
			}
		}
	}
}

func TestHugeWeightsKeepTheirProportions(t *testing.T) {
	weights := []int{math.MaxInt32, 1, math.MaxInt32 / 3, 1_000_003}
	turns := sequence(weights)
	if len(turns) > maxTurns+len(weights) {
		t.Errorf("a round has %d turns", len(turns))
	}
	got := make([]int, len(weights))
	for _, i := range turns {
		got[i]++
	}
	for i, w := range weights {
		want := float64(w) / float64(total(weights))
		if share := float64(got[i]) / float64(len(turns)); got[i] == 0 || math.Abs(share-want) > 1.5/maxTurns {
			t.Errorf("weight %d has %d turns, %.6f of all, want %.6f", w, got[i], share, want)
		}
	}
}

func total(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	return sum
}
