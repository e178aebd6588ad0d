package lb

import (
	"reflect"
	"testing"
)

// No pick allocates, neither while all is well nor while nodes are out, slow
// starting, failing or tried.
func TestPickDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	forEach(t, func(t *testing.T, policy string) {
		for _, size := range []int{3, 100} {
			g := newGroup(t, policy, Options{BoundedLoad: 1.25}, equal(size)...)
			tried := g.tried("b")
			now := int64(0)
			request := func() {
				now += ms
				n := g.picker.Pick(Request{Key: uint64(now), Now: now, Tried: tried})
				n.Start()
				n.Done(now, ms, now%(7*ms) != 0)
			}
			if allocs := testing.AllocsPerRun(1000, request); allocs != 0 {
				t.Errorf("%d nodes: %v allocations a request", size, allocs)
			}
			for i, n := range g.nodes {
				n.SetUsable(i%20 == 0)
				n.SetShare(0.1)
				n.Start()
			}
			g.nodes[2].SetUsable(true)
			if allocs := testing.AllocsPerRun(1000, request); allocs != 0 {
				t.Errorf("%d nodes in bad state: %v allocations a request", size, allocs)
			}
		}
	})
}

// What every request writes must not share cache lines with what every pick
// reads, nor with another node.
func TestNodeLayout(t *testing.T) {
	node := reflect.TypeFor[Node]()
	read, _ := node.FieldByName("vigour")
	written, _ := node.FieldByName("counts")
	if end := read.Offset + read.Type.Size(); end > 128 || written.Offset < 128 {
		t.Errorf("read up to byte %d, written from byte %d", end, written.Offset)
	}
	if node.Size() != 256 {
		t.Errorf("a node has %d bytes, want 256", node.Size())
	}
}
