package lb

import (
	"container/heap"
	"testing"
)

// sim plays requests against a picker on a clock of its own.
type sim struct {
	*group
	now     int64
	pending endings
	picked  map[string]int
	// answer tells how long a node takes, in ns, for a request that finds
	// others in flight there, and whether it succeeds.
	answer func(node *Node, inFlight int64) (latency int64, ok bool)
}

type ending struct {
	at, latency int64
	node        *Node
	ok          bool
}

type endings []ending

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].at < e[j].at }
func (e endings) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *endings) Push(x any)        { *e = append(*e, x.(ending)) }
func (e *endings) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func newSim(t testing.TB, policy string, weights ...int) *sim {
	s := &sim{group: newGroup(t, policy, Options{Seed: 7}, weights...), now: 1e12}
	s.answer = func(*Node, int64) (int64, bool) { return ms, true }
	return s
}

// run sends count requests, one every gap ns, and returns how many each node
// got.
func (s *sim) run(count int, gap int64) map[string]int {
	s.picked = map[string]int{}
	for range count {
		s.until(s.now + gap)
		n := s.picker.Pick(Request{Now: s.now})
		s.picked[nameOf(n)]++
		latency, ok := s.answer(n, n.InFlight())
		n.Start()
		heap.Push(&s.pending, ending{s.now + latency, latency, n, ok})
	}
	return s.picked
}

// until lets time pass.
func (s *sim) until(now int64) {
	for len(s.pending) > 0 && s.pending[0].at <= now {
		e := heap.Pop(&s.pending).(ending)
		e.node.Done(e.at, e.latency, e.ok)
	}
	s.now = now
}

// clients sends count requests from so many clients, each of which sends its
// next request when the last has ended.
func (s *sim) clients(clients, count int) map[string]int {
	picked := s.run(clients, 1)
	for range count - clients {
		s.until(s.pending[0].at)
		more := s.run(1, 0)
		for name, c := range more {
			picked[name] += c
		}
	}
	s.picked = picked
	return picked
}
