package lb

import (
	"math/rand/v2"
	"testing"
)

func TestRandomIsWeighted(t *testing.T) {
	g := newGroup(t, "random", Options{Seed: 1}, 5, 1, 1, 0, 3)
	wantParts(t, g.counts(100_000), 0.01, 5, 1, 1, 0, 3)
	g.nodes[0].SetUsable(false)
	wantParts(t, g.counts(100_000), 0.01, 0, 1, 1, 0, 3)
}

func TestRandomIsWeightedByScan(t *testing.T) {
	g := newGroup(t, "random", Options{Seed: 1}, 3, 1, 2, 100_000)
	g.nodes[3].SetUsable(false)
	wantParts(t, g.counts(50_000), 0.01, 3, 1, 2)
}

func TestSeedRepeatsDraws(t *testing.T) {
	draw := func(seed uint64) string {
		return newGroup(t, "random", Options{Seed: seed}, equal(26)...).seq(50)
	}
	if again := draw(3); again != draw(3) {
		t.Error("the same seed gives different draws")
	}
	if unseeded := draw(0); unseeded == draw(0) || draw(3) == draw(4) {
		t.Error("different seeds, or none, give the same draws")
	}
}

func TestLotteryOfManyWeights(t *testing.T) {
	weights := make([]int, 26)
	parts := make([]float64, len(weights))
	for i := range weights {
		weights[i] = 1 + i*i
		parts[i] = float64(weights[i])
	}
	g := newGroup(t, "random", Options{Seed: 1}, weights...)
	wantParts(t, g.counts(200_000), 0.005, parts...)
}

func TestIdleNodesArePickedByWeight(t *testing.T) {
	for _, policy := range []string{"least_request", "ewma"} {
		g := newGroup(t, policy, Options{Seed: 1}, 5, 1, 1)
		wantParts(t, g.counts(20_000), 0.02, 5, 1, 1)
		two := newGroup(t, policy, Options{Seed: 1}, 5, 1)
		wantParts(t, two.counts(20_000), 0.02, 5, 1)
	}
}

func TestTwoNodesAreBothConsidered(t *testing.T) {
	for _, policy := range []string{"least_request", "ewma"} {
		g := newGroup(t, policy, Options{}, 1, 1)
		g.nodes[0].Start()
		g.nodes[0].Start()
		g.nodes[1].Start()
		wantParts(t, g.counts(500), 0, 0, 1)
	}
}

func TestRequestsPileUpEvenly(t *testing.T) {
	for _, policy := range []string{"least_request", "ewma"} {
		for _, weights := range [][]int{equal(10), {5, 1, 1}, {2, 1, 1, 1, 1}, {100, 1}} {
			g := newGroup(t, policy, Options{Seed: 3}, weights...)
			unit := 100
			for range unit * total(weights) {
				g.picker.Pick(Request{}).Start()
			}
			for i, n := range g.nodes {
				want := int64(unit * weights[i])
				if got := n.InFlight(); got < want*9/10 || got > want*11/10 {
					t.Errorf("%s, weights %v: %s has %d in flight, want %d", policy, weights, n.ID(), got, want)
				}
			}
		}
	}
}

// With few requests at a time no node may go short because it is light.
func TestWeightsHoldWithFewClients(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, clients := range []int{1, 2, 6, 12, 20, 60} {
		s := newSim(t, "least_request", 5, 1, 1)
		s.answer = func(*Node, int64) (int64, bool) { return int64(random.ExpFloat64() * float64(ms)), true }
		wantParts(t, s.clients(clients, 14_000), 0.04, 5, 1, 1)
	}
}

func TestLeastRequestAvoidsASlowNode(t *testing.T) {
	s := newSim(t, "least_request", 1, 1, 1, 1)
	s.answer = func(n *Node, _ int64) (int64, bool) {
		if n.ID() == "a" {
			return 50 * ms, true
		}
		return ms, true
	}
	if counts := s.run(20_000, ms/4); counts["a"] > 2_000 || counts["a"] == 0 {
		t.Errorf("a slow node gets %d of 20000", counts["a"])
	}
}
