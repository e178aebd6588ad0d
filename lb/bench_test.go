package lb

import (
	"fmt"
	"sync/atomic"
	"testing"
)

func BenchmarkPick(b *testing.B) {
	eachBench(b, func(b *testing.B, g *group) {
		for i := 0; b.Loop(); i++ {
			g.picker.Pick(Request{Key: uint64(i), Now: int64(i)})
		}
	})
}

func BenchmarkPickParallel(b *testing.B) {
	var worker atomic.Uint64
	eachBench(b, func(b *testing.B, g *group) {
		b.RunParallel(func(pb *testing.PB) {
			key := worker.Add(1) << 32
			for pb.Next() {
				key++
				g.picker.Pick(Request{Key: key, Now: int64(key)})
			}
		})
	})
}

// BenchmarkRequest is a pick with its Start and Done.
func BenchmarkRequest(b *testing.B) {
	eachBench(b, func(b *testing.B, g *group) {
		for i := int64(0); b.Loop(); i++ {
			n := g.picker.Pick(Request{Key: uint64(i), Now: i})
			n.Start()
			n.Done(i, ms, true)
		}
	})
}

// BenchmarkPickDegraded picks while a tenth of the nodes is out, a tenth slow
// starting, and requests are in flight.
func BenchmarkPickDegraded(b *testing.B) {
	eachBench(b, func(b *testing.B, g *group) {
		for i, n := range g.nodes {
			n.SetUsable(i%10 != 1)
			if i%10 == 2 {
				n.SetShare(0.5)
			}
			n.Start()
			n.latency.succeeded(0, ms)
		}
		for i := 0; b.Loop(); i++ {
			g.picker.Pick(Request{Key: uint64(i), Now: int64(i)})
		}
	})
}

// BenchmarkPickNone picks where nothing can be picked.
func BenchmarkPickNone(b *testing.B) {
	eachBench(b, func(b *testing.B, g *group) {
		for _, n := range g.nodes {
			n.SetUsable(false)
		}
		for i := 0; b.Loop(); i++ {
			g.picker.Pick(Request{Key: uint64(i)})
		}
	})
}

func BenchmarkBoundedLoad(b *testing.B) {
	for _, size := range []int{3, 100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			g := newGroup(b, hash, Options{BoundedLoad: 1.25}, mixed(size)...)
			for range 4 * size {
				g.picker.Pick(Request{Key: uint64(size)}).Start()
			}
			for i := 0; b.Loop(); i++ {
				g.picker.Pick(Request{Key: uint64(i)})
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, policy := range Policies() {
		for _, size := range []int{3, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", policy, size), func(b *testing.B) {
				nodes := addresses(size)
				for b.Loop() {
					mustNew(b, policy, membersOf(nodes, mixed(size)...), Options{})
				}
			})
		}
	}
}

func eachBench(b *testing.B, run func(*testing.B, *group)) {
	for _, policy := range Policies() {
		for _, size := range []int{3, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", policy, size), func(b *testing.B) {
				g := newGroup(b, policy, Options{}, mixed(size)...)
				b.ReportAllocs()
				run(b, g)
			})
		}
	}
}

// mixed is n weights from 1 to 5.
func mixed(n int) []int {
	weights := make([]int, n)
	for i := range weights {
		weights[i] = 1 + i%5
	}
	return weights
}
