package lb

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

const ms = int64(1e6)

// group is a set of nodes named a, b, c ... (then n26, n27 ...) and a picker
// over them.
type group struct {
	t      testing.TB
	nodes  []*Node
	picker Picker
}

func newGroup(t testing.TB, policy string, opts Options, weights ...int) *group {
	t.Helper()
	g := &group{t: t}
	for i := range weights {
		g.nodes = append(g.nodes, NewNode(nodeName(i)))
	}
	g.picker = mustNew(t, policy, membersOf(g.nodes, weights...), opts)
	return g
}

func nodeName(i int) string {
	if i < 26 {
		return string(rune('a' + i))
	}
	return fmt.Sprintf("n%d", i)
}

func membersOf(nodes []*Node, weights ...int) []Member {
	members := make([]Member, len(nodes))
	for i, n := range nodes {
		members[i] = Member{Node: n, Weight: weights[i]}
	}
	return members
}

func mustNew(t testing.TB, policy string, members []Member, opts Options) Picker {
	t.Helper()
	p, err := New(policy, members, opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func equal(n int) []int {
	weights := make([]int, n)
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

// tried is the set of the nodes with the given names.
func (g *group) tried(names string) *Tried {
	var tried Tried
	for _, r := range names {
		tried.Add(g.nodes[r-'a'])
	}
	return &tried
}

// seq is the names of the next count picks.
func (g *group) seq(count int) string {
	var b strings.Builder
	for range count {
		b.WriteString(nameOf(g.picker.Pick(Request{})))
	}
	return b.String()
}

func nameOf(n *Node) string {
	if n == nil {
		return "-"
	}
	return n.ID()
}

// counts is how often each node is picked in count picks, with keys that differ.
func (g *group) counts(count int) map[string]int {
	counts := map[string]int{}
	for i := range count {
		counts[nameOf(g.picker.Pick(Request{Key: uint64(i)}))]++
	}
	return counts
}

// wantParts checks that counts stand to each other as parts, within the given
// fraction of the whole. Nodes beyond those named by parts must have none.
func wantParts(t testing.TB, counts map[string]int, tolerance float64, parts ...float64) {
	t.Helper()
	total, whole := 0, 0.0
	for _, c := range counts {
		total += c
	}
	for _, p := range parts {
		whole += p
	}
	for i, p := range parts {
		got, want := float64(counts[nodeName(i)])/float64(total), p/whole
		if math.Abs(got-want) > tolerance || p == 0 && got != 0 {
			t.Errorf("%s has %.4f of the picks, want %.4f ± %.4f; all: %v", nodeName(i), got, want, tolerance, counts)
		}
	}
}
