package lb

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
)

const hash = "consistent_hash"

// addresses are n nodes named as targets are.
func addresses(n int) []*Node {
	nodes := make([]*Node, n)
	for i := range nodes {
		nodes[i] = NewNode(fmt.Sprintf("127.0.0.1:%d", 9001+i))
	}
	return nodes
}

// owners is where each of count keys goes.
func owners(p Picker, count int) []*Node {
	list := make([]*Node, count)
	for i := range list {
		list[i] = p.Pick(Request{Key: KeyString(fmt.Sprintf("user-%d", i))})
	}
	return list
}

// moved counts the keys that go elsewhere, apart from those that were with one
// of the nodes in from or are with one of those in to.
func moved(before, after []*Node, from, to []*Node) int {
	count := 0
	for i, n := range before {
		if after[i] != n && !slices.Contains(from, n) && !slices.Contains(to, after[i]) {
			count++
		}
	}
	return count
}

func parts(list []*Node) map[*Node]float64 {
	parts := map[*Node]float64{}
	for _, n := range list {
		parts[n] += 1 / float64(len(list))
	}
	return parts
}

// The same in every process and version: a change here moves everybody's keys.
func TestPlacesAreFixed(t *testing.T) {
	p := mustNew(t, hash, membersOf(addresses(5), equal(5)...), Options{})
	var got string
	for _, n := range owners(p, 20) {
		got += n.ID()[len("127.0.0.1:900"):]
	}
	if want := "13222255312211533541"; got != want {
		t.Errorf("keys go to %s, want %s", got, want)
	}
}

func TestOrderOfMembersAndSeedDoNotMatter(t *testing.T) {
	nodes := addresses(10)
	members := membersOf(nodes, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	before := owners(mustNew(t, hash, members, Options{Seed: 1}), 5000)
	slices.Reverse(members)
	after := owners(mustNew(t, hash, members, Options{Seed: 2}), 5000)
	if !slices.Equal(before, after) {
		t.Error("keys go elsewhere when members come in another order")
	}
}

func TestKeysAreSpreadEvenly(t *testing.T) {
	for _, size := range []int{2, 3, 10} {
		nodes := addresses(size)
		got := parts(owners(mustNew(t, hash, membersOf(nodes, equal(size)...), Options{}), 100_000))
		for _, n := range nodes {
			if part := got[n] * float64(size); part < 0.85 || part > 1.15 {
				t.Errorf("%s of %d has %.3f of an even part", n.ID(), size, part)
			}
		}
	}
}

func TestKeysAreSpreadByWeight(t *testing.T) {
	for _, weights := range [][]int{{5, 1, 1, 0}, {100, 50, 25, 25}, {1, 2, 3, 4}, {3000, 1000, 1000, 1000}} {
		nodes := addresses(len(weights))
		got := parts(owners(mustNew(t, hash, membersOf(nodes, weights...), Options{}), 100_000))
		for i, n := range nodes {
			want := float64(weights[i]) / float64(total(weights))
			if got[n] < want*0.8 || got[n] > want*1.2 {
				t.Errorf("weights %v: %s has %.3f of the keys, want %.3f", weights, n.ID(), got[n], want)
			}
		}
	}
}

func TestRemovingOneMovesOnlyItsKeys(t *testing.T) {
	for _, weight := range []int{1, 7, 100} {
		nodes := addresses(10)
		weights := equal(10)
		for i := range weights {
			weights[i] = weight
		}
		all := owners(mustNew(t, hash, membersOf(nodes, weights...), Options{}), 20_000)
		gone := nodes[4]
		rest := slices.Delete(slices.Clone(nodes), 4, 5)
		less := owners(mustNew(t, hash, membersOf(rest, weights[:9]...), Options{}), 20_000)
		if m := moved(all, less, []*Node{gone}, nil); m != 0 {
			t.Errorf("weight %d: %d keys of other nodes move", weight, m)
		}
		for n, part := range parts(less) {
			if part > 1.4/9 {
				t.Errorf("weight %d: %s then has %.3f of all keys", weight, n.ID(), part)
			}
		}
	}
}

func TestHeavierNodeOnlyGainsKeys(t *testing.T) {
	nodes := addresses(5)
	before := owners(mustNew(t, hash, membersOf(nodes, 4, 4, 4, 7, 4), Options{}), 20_000)
	after := owners(mustNew(t, hash, membersOf(nodes, 6, 4, 4, 7, 4), Options{}), 20_000)
	if m := moved(before, after, nil, nodes[:1]); m != 0 {
		t.Errorf("%d keys move between nodes that did not change", m)
	}
}

// What cannot take its keys is as good as not there, key by key.
func TestKeysFailOverAndComeBack(t *testing.T) {
	nodes := addresses(6)
	p := mustNew(t, hash, membersOf(nodes, 1, 1, 2, 1, 3, 1), Options{})
	before := owners(p, 10_000)
	without := owners(mustNew(t, hash, membersOf(nodes[1:], 1, 2, 1, 3, 1), Options{}), 10_000)

	nodes[0].SetUsable(false)
	if !slices.Equal(owners(p, 10_000), without) {
		t.Error("keys of an unusable node do not go where they go without it")
	}
	nodes[0].SetUsable(true)
	if !slices.Equal(owners(p, 10_000), before) {
		t.Error("keys do not come back")
	}
	var tried Tried
	tried.Add(nodes[0])
	for i, want := range without {
		if n := p.Pick(Request{Key: KeyString(fmt.Sprintf("user-%d", i)), Tried: &tried}); n != want {
			t.Fatalf("retry of key %d goes to %s, want %s", i, n.ID(), want.ID())
		}
	}
}

func TestShareKeepsPartOfItsKeys(t *testing.T) {
	nodes := addresses(5)
	p := mustNew(t, hash, membersOf(nodes, equal(5)...), Options{})
	full := owners(p, 50_000)
	of := parts(full)[nodes[0]]

	var last []*Node
	for _, share := range []float64{0.1, 0.25, 0.5, 0.9, 1} {
		nodes[0].SetShare(share)
		now := owners(p, 50_000)
		if got := parts(now)[nodes[0]] / of; math.Abs(got-share) > 0.03 {
			t.Errorf("share %.2f keeps %.3f of the keys", share, got)
		}
		if m := moved(full, now, nodes[:1], nil); m != 0 {
			t.Errorf("share %.2f: %d keys of other nodes move", share, m)
		}
		if last != nil {
			if m := moved(last, now, nil, nodes[:1]); m != 0 {
				t.Errorf("share %.2f: %d keys move that do not come back", share, m)
			}
		}
		last = now
	}
	if !slices.Equal(last, full) {
		t.Error("with a full share not all keys are back")
	}
	for _, n := range nodes {
		n.SetShare(0.1)
	}
	if !slices.Equal(owners(p, 50_000), full) {
		t.Error("keys move though all nodes have the same share")
	}
	nodes[0].SetUsable(false)
	nodes[0].SetShare(1)
	if m := moved(full, owners(p, 50_000), nodes[:1], nil); m != 0 {
		t.Errorf("%d keys move because a node that is out has a full share", m)
	}
}

func TestBoundedLoad(t *testing.T) {
	for _, bound := range []float64{1, 1.25, 2} {
		for _, weights := range [][]int{equal(10), {5, 1, 1}, {1, 1}} {
			nodes := addresses(len(weights))
			p := mustNew(t, hash, membersOf(nodes, weights...), Options{BoundedLoad: bound})
			for all := int64(1); all <= 300; all++ {
				n := p.Pick(Request{Key: 42}) // one hot key
				n.Start()
				i := slices.Index(nodes, n)
				most := math.Ceil(bound * float64(all) * float64(weights[i]) / float64(total(weights)))
				if float64(n.InFlight()) > most {
					t.Fatalf("bound %v, weights %v: %s has %d of %d in flight", bound, weights, n.ID(), n.InFlight(), all)
				}
			}
			for _, n := range nodes {
				for n.InFlight() > 0 {
					n.Done(0, 0, true)
				}
			}
			if a, b := p.Pick(Request{Key: 42}), p.Pick(Request{Key: 42}); a != b {
				t.Error("an idle node does not get its key back")
			}
		}
	}
}

func TestBoundedLoadOfManyNodes(t *testing.T) {
	nodes := addresses(100)
	p := mustNew(t, hash, membersOf(nodes, equal(100)...), Options{BoundedLoad: 1.25})
	for range 5_000 {
		p.Pick(Request{Key: 42}).Start()
	}
	for _, n := range nodes {
		if n.InFlight() > 66 { // even: 50
			t.Errorf("%s has %d in flight", n.ID(), n.InFlight())
		}
	}
}

// Bounded load counts usable nodes only: what is left must hold everything.
func TestBoundedLoadWithNodesOut(t *testing.T) {
	nodes := addresses(4)
	p := mustNew(t, hash, membersOf(nodes, equal(4)...), Options{BoundedLoad: 1.25})
	nodes[0].SetUsable(false)
	nodes[1].SetUsable(false)
	for range 100 {
		p.Pick(Request{Key: 42}).Start()
	}
	for _, n := range nodes[2:] {
		if n.InFlight() < 35 || n.InFlight() > 65 {
			t.Errorf("%s has %d of 100 in flight", n.ID(), n.InFlight())
		}
	}
}

func TestRing(t *testing.T) {
	for _, weights := range [][]int{{1}, equal(3), {5, 1, 1}, equal(1000), {math.MaxInt32, 1, math.MaxInt32}} {
		nodes := addresses(len(weights))
		r := newRing(membersOf(nodes, weights...))
		if len(r.points) > maxPoints+len(weights) {
			t.Errorf("%d points", len(r.points))
		}
		if !slices.IsSortedFunc(r.points, func(a, b point) int {
			return cmp.Compare(a.hash, b.hash)
		}) {
			t.Fatal("points are not in order")
		}
		for i := range uint64(2000) {
			h := mix(i)
			switch i {
			case 0:
				h = 0
			case 1:
				h = math.MaxUint64
			}
			want, _ := slices.BinarySearchFunc(r.points, h, func(p point, h uint64) int {
				return cmp.Compare(p.hash, h)
			})
			if got := r.find(h); got != want%len(r.points) {
				t.Fatalf("%x is at %d, want %d", h, got, want)
			}
		}
	}
}
