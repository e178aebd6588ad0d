package lb

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// forEach runs a test for every policy.
func forEach(t *testing.T, test func(t *testing.T, policy string)) {
	for _, policy := range Policies() {
		t.Run(policy, func(t *testing.T) { test(t, policy) })
	}
}

func TestPolicies(t *testing.T) {
	want := "weighted round_robin random least_request ewma consistent_hash"
	if got := strings.Join(Policies(), " "); got != want {
		t.Errorf("policies are %s, want %s", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	a := NewNode("a")
	for _, test := range []struct {
		policy  string
		members []Member
		opts    Options
		want    string
	}{
		{"fastest", nil, Options{}, `unknown policy "fastest"; have weighted,`},
		{"random", []Member{{Node: a, Weight: -1}}, Options{}, `node "a": weight -1`},
		{"random", []Member{{Node: a, Weight: 1 << 40}}, Options{}, `node "a": weight 1099511627776`},
		{"random", []Member{{Node: a, Weight: 1}, {Weight: 1}}, Options{}, "member 1: no node"},
		{"random", []Member{{Node: a, Weight: 1}, {Node: NewNode("a"), Weight: 1}}, Options{}, "more than one member"},
		{"consistent_hash", nil, Options{BoundedLoad: 0.9}, "bounded load 0.9"},
		{"consistent_hash", nil, Options{BoundedLoad: math.NaN()}, "bounded load NaN"},
		{"consistent_hash", nil, Options{BoundedLoad: math.Inf(1)}, "bounded load +Inf"},
	} {
		_, err := New(test.policy, test.members, test.opts)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New(%s) says %v, want %q", test.policy, err, test.want)
		}
	}
}

func TestNoneToPick(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		if got := newGroup(t, policy, Options{}).seq(3); got != "---" {
			t.Errorf("no members: got %s", got)
		}
		if got := newGroup(t, policy, Options{}, 0, 0).seq(3); got != "---" {
			t.Errorf("no weights: got %s", got)
		}
		for _, size := range []int{1, 2, 3, 100} {
			g := newGroup(t, policy, Options{}, equal(size)...)
			for _, n := range g.nodes {
				n.SetUsable(false)
			}
			if got := g.seq(3); got != "---" {
				t.Errorf("none of %d usable: got %s", size, got)
			}
		}
	})
}

// One of many, with next to no weight and share, must still be found.
func TestLastOneUsable(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		for _, size := range []int{1, 2, 3, 100, 1000} {
			weights := make([]int, size)
			for i := range weights {
				weights[i] = 1000
			}
			weights[size/2] = 1
			g := newGroup(t, policy, Options{BoundedLoad: 1.25}, weights...)
			for _, n := range g.nodes {
				n.SetUsable(false)
			}
			last := g.nodes[size/2]
			last.SetUsable(true)
			last.SetShare(0)
			for key := range uint64(200) {
				n := g.picker.Pick(Request{Key: key})
				if n != last {
					t.Fatalf("size %d: got %s", size, nameOf(n))
				}
				n.Start()
			}
		}
	})
}

func TestTriedAndUnusableAreNotPicked(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		g := newGroup(t, policy, Options{BoundedLoad: 1.25}, 5, 1, 1, 3, 0)
		g.nodes[1].SetUsable(false)
		seen := map[string]bool{}
		for key := range uint64(2000) {
			n := g.picker.Pick(Request{Key: key, Tried: g.tried("a")})
			seen[nameOf(n)] = true
		}
		if want := map[string]bool{"c": true, "d": true}; !reflect.DeepEqual(seen, want) {
			t.Errorf("picked %v, want %v", seen, want)
		}
		if n := g.picker.Pick(Request{Tried: g.tried("acd")}); n != nil {
			t.Errorf("all tried: got %s", n.ID())
		}
	})
}

func TestRetriesReachEveryNodeOnce(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		g := newGroup(t, policy, Options{}, 100, 1, 1, 10, 1)
		for key := range uint64(100) {
			var tried Tried
			for range g.nodes {
				n := g.picker.Pick(Request{Key: key, Tried: &tried})
				if n == nil || tried.Has(n) {
					t.Fatalf("after %d: got %s", tried.Len(), nameOf(n))
				}
				tried.Add(n)
			}
			if n := g.picker.Pick(Request{Key: key, Tried: &tried}); n != nil {
				t.Fatalf("after all: got %s", n.ID())
			}
		}
	})
}

func TestBackups(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		nodes := []*Node{NewNode("a"), NewNode("b"), NewNode("c"), NewNode("d")}
		members := membersOf(nodes, 1, 1, 1, 3)
		members[2].Backup, members[3].Backup = true, true
		g := &group{t: t, nodes: nodes, picker: mustNew(t, policy, members, Options{})}

		wantParts(t, g.counts(2000), 1, 1, 1, 0, 0)
		nodes[0].SetUsable(false)
		wantParts(t, g.counts(2000), 0, 0, 1, 0, 0)
		if n := g.picker.Pick(Request{Tried: g.tried("b")}); n != nodes[2] && n != nodes[3] {
			t.Errorf("primaries tried or unusable: got %s", nameOf(n))
		}
		nodes[1].SetUsable(false)
		counts := g.counts(2000)
		wantParts(t, counts, 1, 0, 0, 1, 3)
		if counts["c"] == 0 || counts["d"] == 0 {
			t.Errorf("backups share the load badly: %v", counts)
		}
		nodes[1].SetUsable(true)
		wantParts(t, g.counts(2000), 0, 0, 1, 0, 0)
	})
}

func TestOnlyBackupsHaveWeight(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		a, b := NewNode("a"), NewNode("b")
		p := mustNew(t, policy, []Member{{Node: a}, {Node: b, Weight: 1, Backup: true}}, Options{})
		if n := p.Pick(Request{}); n != b {
			t.Errorf("got %s, want b", nameOf(n))
		}
	})
}

// A share scales the weight in every policy; with nothing in flight and
// nothing measured all of them keep to weights.
func TestShareScalesWeight(t *testing.T) {
	forEach(t, func(t *testing.T, policy string) {
		g := newGroup(t, policy, Options{Seed: 1}, equal(40)...)
		g.nodes[0].SetShare(0.25)
		counts := g.counts(40_000)
		if got := float64(counts["a"]) / 40_000 * 39.25; math.Abs(got-0.25) > 0.1 {
			t.Errorf("share 0.25 gets %.3f of a full part", got)
		}
		g.nodes[0].SetShare(1)
		counts = g.counts(40_000)
		if got := float64(counts["a"]) / 40_000 * 40; math.Abs(got-1) > 0.25 {
			t.Errorf("share 1 gets %.3f of a full part", got)
		}
	})
}

func TestKeyIsFixed(t *testing.T) {
	const want = 0x44bc2cf5ad770999 // xxHash64 of "abc"
	if Key([]byte("abc")) != want || KeyString("abc") != want {
		t.Errorf("key of abc is %x and %x, want %x", Key([]byte("abc")), KeyString("abc"), uint64(want))
	}
}

func TestTried(t *testing.T) {
	var none *Tried
	if none.Has(nil) || none.Len() != 0 {
		t.Error("a nil set is not empty")
	}
	var set Tried
	nodes := make([]*Node, 9)
	for i := range nodes {
		nodes[i] = NewNode(nodeName(i))
		set.Add(nodes[i])
		set.Add(nodes[i])
	}
	if set.Len() != 8 || !set.Has(nodes[0]) || !set.Has(nodes[7]) || set.Has(nodes[8]) {
		t.Errorf("a full set has %d nodes", set.Len())
	}
	set.Reset()
	if set.Len() != 0 || set.Has(nodes[0]) {
		t.Error("a set reset is not empty")
	}
}
