package lb

import (
	"math/rand/v2"
	"testing"
)

func wantAtLeast(t *testing.T, counts map[string]int, least int, names ...string) {
	t.Helper()
	for _, name := range names {
		if counts[name] < least {
			t.Errorf("%s got %d requests, want at least %d; all: %v", name, counts[name], least, counts)
		}
	}
}

func TestLikeNodesShareAlike(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, gap := range []int64{100 * ms, 2 * ms, ms / 5} {
		s := newSim(t, "ewma", 1, 1, 1)
		s.answer = func(*Node, int64) (int64, bool) { return ms/2 + int64(random.ExpFloat64()*float64(ms)), true }
		wantParts(t, s.run(6000, gap), 0.05, 1, 1, 1)
	}
}

// One bad answer at the start must not cost a node its traffic.
func TestNoStarvationAfterAColdStart(t *testing.T) {
	for _, gap := range []int64{2 * ms, ms / 4} {
		s := newSim(t, "ewma", 1, 1, 1)
		cold := true
		s.answer = func(n *Node, _ int64) (int64, bool) {
			if n.ID() == "c" && cold {
				cold = false
				return 50 * ms, true
			}
			return ms, true
		}
		wantAtLeast(t, s.run(1500, gap), 200, "a", "b", "c")
		wantParts(t, s.run(1500, gap), 0.05, 1, 1, 1)
	}
}

func TestSlowNodeIsAvoidedAndComesBack(t *testing.T) {
	for _, gap := range []int64{ms / 5, 20 * ms, 3000 * ms} {
		slow := 20 * ms
		s := newSim(t, "ewma", 1, 1, 1, 1)
		s.answer = func(n *Node, _ int64) (int64, bool) {
			if n.ID() == "a" {
				return slow, true
			}
			return ms, true
		}
		s.run(200, gap)
		counts := s.run(8000, gap)
		// A request every three seconds leaves little to know things by.
		most := 80
		if gap > 1000*ms {
			most = 1600
		}
		if counts["a"] == 0 || counts["a"] > most {
			t.Errorf("every %d ns: a slow node gets %d of 8000", gap, counts["a"])
		}
		slow = ms
		s.run(1500, gap)
		wantParts(t, s.run(4000, gap), 0.06, 1, 1, 1, 1)
	}
}

func TestNewNodeIsNeitherFloodedNorStarved(t *testing.T) {
	s := newSim(t, "ewma", 1, 1, 1)
	s.answer = func(*Node, int64) (int64, bool) { return 20 * ms, true }
	s.run(3000, ms)
	s.until(s.now + 1000*ms)

	fresh := NewNode("d")
	s.nodes = append(s.nodes, fresh)
	s.picker = mustNew(t, "ewma", membersOf(s.nodes, 1, 1, 1, 1), Options{Seed: 9})
	burst := s.run(400, 1) // all before the first answer
	if got := burst["d"]; got < 70 || got > 130 {
		t.Errorf("a new node gets %d of a burst of 400", got)
	}
	s.until(s.now + 1000*ms)
	wantParts(t, s.run(4000, ms), 0.05, 1, 1, 1, 1)
}

// A pause makes all that is known old, and must not let a burst fall on one
// node.
func TestBurstAfterAPauseIsShared(t *testing.T) {
	s := newSim(t, "ewma", 1, 1, 1)
	s.answer = func(*Node, int64) (int64, bool) { return 20 * ms, true }
	s.run(100, 2000*ms)
	s.until(s.now + 600_000*ms)
	wantParts(t, s.run(600, 1), 0.05, 1, 1, 1)
}

func TestFastFailuresDoNotAttract(t *testing.T) {
	failing := true
	s := newSim(t, "ewma", 1, 1, 1)
	s.answer = func(n *Node, _ int64) (int64, bool) {
		if n.ID() == "a" && failing {
			return ms / 20, false
		}
		return ms, true
	}
	if counts := s.run(6000, ms/2); counts["a"] == 0 || counts["a"] > 60 {
		t.Errorf("a node that fails at once gets %d of 6000", counts["a"])
	}
	failing = false
	s.run(3000, ms/2)
	wantParts(t, s.run(6000, ms/2), 0.05, 1, 1, 1)
}

func TestHangingNodeIsLeftAlone(t *testing.T) {
	s := newSim(t, "ewma", 1, 1, 1)
	hangs := false
	s.answer = func(n *Node, _ int64) (int64, bool) {
		if n.ID() == "a" && hangs {
			return 30_000 * ms, true
		}
		return ms, true
	}
	s.run(1000, ms)
	hangs = true
	if counts := s.run(10_000, ms); counts["a"] > 30 {
		t.Errorf("a node that hangs gets %d of 10000", counts["a"])
	}
}

// While the request that probes a slow node is still under way, no more follow,
// busy as the others may be.
func TestSlowNodeIsProbedByOneRequestAtATime(t *testing.T) {
	s := newSim(t, "ewma", 1, 1, 1)
	s.answer = func(n *Node, _ int64) (int64, bool) {
		if n.ID() == "a" {
			return 2000 * ms, true
		}
		return 5 * ms, true
	}
	s.run(1000, ms/10)
	s.until(s.now + 5000*ms)
	if counts := s.run(20_000, ms/10); counts["a"] == 0 || counts["a"] > 10 {
		t.Errorf("a node that takes 2 s gets %d requests in 2 s", counts["a"])
	}
}

// A node that always has streams under way is not idle, and still must get its
// chance after a bad answer.
func TestNoStarvationUnderLongStreams(t *testing.T) {
	s := newSim(t, "ewma", 1, 1)
	for _, n := range s.nodes {
		n.Start()
	}
	s.nodes[0].Start()
	s.nodes[0].Done(s.now, 50*ms, true)
	s.run(4000, 10*ms)
	wantAtLeast(t, s.run(1000, 10*ms), 200, "a", "b")
}

func TestLatency(t *testing.T) {
	n := NewNode("a")
	at := func(now int64, want int64) {
		t.Helper()
		if got := n.Latency(now * ms); got < want-want/50 || got > want+want/50 {
			t.Errorf("after %d ms: latency %d, want %d", now, got, want)
		}
	}
	done := func(now, latency int64, ok bool) {
		n.Start()
		n.Done(now*ms, latency, ok)
	}
	at(0, 0)
	done(0, 0, true) // not measured
	at(0, 0)
	done(0, 10*ms, true)
	at(0, 10*ms)
	at(5000, 10*ms*368/1000)
	at(500_000, 0)
	done(10, 100*ms, true) // a peak counts at once
	at(10, 100*ms)
	done(10, 20*ms, true) // and goes by degrees
	at(10, 95*ms)
	done(100_000, 20*ms, true) // or with time
	at(100_000, 20*ms)
	done(100_000, ms, false)
	at(100_000, 80*ms)
	for range 50 {
		done(100_000, ms, false)
	}
	at(100_000, 60_000*ms)
	if n.InFlight() != 0 {
		t.Errorf("%d in flight", n.InFlight())
	}
}
