package lb

import (
	"sync"
	"sync/atomic"
	"testing"
)

// Picks go on rightly while nodes change under them.
func TestPickingWhileNodesChange(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		g := newGroup(t, policy, Options{BoundedLoad: 1.25}, 5, 1, 1, 100, 2, 0, 7)
		anchor, anchor2 := g.nodes[2], g.nodes[4] // never out
		var stop atomic.Bool
		var changers, pickers sync.WaitGroup
		changers.Go(func() {
			for i := 0; !stop.Load(); i++ {
				n := g.nodes[i%len(g.nodes)]
				n.SetShare(float64(i%11) / 10)
				n.SetUsable(n == anchor || n == anchor2 || i%3 != 0)
			}
		})
		for w := range 4 {
			pickers.Go(func() {
				for i := range 2000 {
					now := int64(i) * ms
					var tried Tried
					for range 2 {
						n := g.picker.Pick(Request{Key: uint64(i), Now: now, Tried: &tried})
						if n == nil || n == g.nodes[5] || tried.Has(n) {
							t.Errorf("got %s after %d tries", nameOf(n), tried.Len())
							return
						}
						tried.Add(n)
						n.Start()
						n.Latency(now)
						n.Done(now, int64(w+1)*ms, i%5 != 0)
					}
				}
			})
		}
		pickers.Wait()
		stop.Store(true)
		changers.Wait()
		for _, n := range g.nodes {
			if n.InFlight() != 0 {
				t.Errorf("%s has %d in flight at the end", n.ID(), n.InFlight())
			}
		}
	})
}

// Two pickers over the same nodes, as during a reload, see the same load.
func TestNodesOutlivePickers(t *testing.T) {
	g := newGroup(t, "least_request", Options{}, 1, 1)
	for range 10 {
		g.nodes[0].Start()
	}
	g.nodes[1].Start()
	g.nodes[1].SetShare(0.5)
	g.picker = mustNew(t, "least_request", membersOf(g.nodes, 3, 3), Options{})
	wantParts(t, g.counts(100), 0, 0, 1)
	if g.nodes[1].Share() != 0.5 {
		t.Errorf("share is %v", g.nodes[1].Share())
	}
}

func TestShareIsBroughtIntoRange(t *testing.T) {
	n := NewNode("a")
	if n.Share() != 1 || !n.Usable() || n.InFlight() != 0 || n.ID() != "a" {
		t.Error("a new node is not usable with a full share")
	}
	nan := 0.0
	nan /= nan
	for share, want := range map[float64]float64{0.3: 0.3, -1: minShare, 0: minShare, nan: minShare, 7: 1} {
		if n.SetShare(share); n.Share() != want {
			t.Errorf("share %v becomes %v, want %v", share, n.Share(), want)
		}
	}
}
