package lb

import (
	"math/rand/v2"
	"sync/atomic"
)

// patience is how many turns of a cycle, or points of a ring, in a row may fall
// to nodes that cannot take them before a pick looks at all nodes instead.
const patience = 32

// cycle walks a fixed sequence of turns. Each pick takes the next turn with one
// atomic addition, so the order is exact and so are the totals from many
// goroutines.
//
// A turn of a node that is not usable is skipped and the next one taken: of a
// whole round the others get just their own turns, so their proportions hold. A
// node with a reduced share or vigour takes that part of its turns, evenly
// spread, and skips the rest. A retry walks with a cursor of its own, or it
// would use up turns of the very nodes it must not go to.
type cycle struct {
	seats    []seat
	turns    []uint32 // indexes of seats
	vigorous bool     // heed vigour

	_     [64]byte
	first atomic.Uint64 // turns taken by requests not tried before
	_     [64]byte
	retry atomic.Uint64 // turns taken by retries
	stray atomic.Uint64 // picks for which turns ran out
}

// seat is a member of a cycle.
type seat struct {
	node   *Node
	weight float64
	credit atomic.Uint64 // see takes
}

// newCycle returns a cycle in which weights[i] tells how often members[i] is.
func newCycle(members []Member, weights []int, opts Options) *cycle {
	c := &cycle{seats: make([]seat, len(members)), turns: sequence(weights)}
	for i, m := range members {
		c.seats[i].node, c.seats[i].weight = m.Node, float64(weights[i])
	}
	if len(c.turns) > 0 {
		start := opts.Seed - 1
		if opts.Seed == 0 {
			start = rand.Uint64()
		}
		start %= uint64(len(c.turns))
		c.first.Store(start)
		c.retry.Store(start)
	}
	return c
}

// Pick implements [Picker].
func (c *cycle) Pick(r Request) *Node {
	if len(c.turns) == 0 {
		return nil
	}
	cursor := &c.first
	if r.Tried.Len() > 0 {
		cursor = &c.retry
	}
	for range patience {
		turn := cursor.Add(1) - 1
		s := &c.seats[c.turns[turn%uint64(len(c.turns))]]
		if s.node.canTake(r.Tried) && c.takes(s, r.Now) {
			return s.node
		}
	}
	return c.scan(r)
}

// takes reports whether the node takes its turn. While its part is below 1,
// parts add up in credit, and each time a whole one is full a turn is taken.
func (c *cycle) takes(s *seat, now int64) bool {
	part := c.part(s.node, now)
	if part == 1 {
		return true
	}
	const whole = 1 << 32
	step := uint64(part * whole)
	sum := s.credit.Add(step)
	return sum/whole != (sum-step)/whole
}

// part is how much of its turns the node takes, above 0 and up to 1.
func (c *cycle) part(n *Node, now int64) float64 {
	part := n.Share()
	if c.vigorous && !n.vigour.full() {
		part *= float64(n.vigour.left(now)) / fullVigour
	}
	return part
}

// scan picks by weight among all that can take the request. It is for the case
// that those hold but a small part of all turns. Multiples of the golden ratio
// stand in for turns: they fall evenly on the weights, however these change.
func (c *cycle) scan(r Request) *Node {
	total := 0.0
	for i := range c.seats {
		if s := &c.seats[i]; s.node.canTake(r.Tried) {
			total += s.weight * c.part(s.node, r.Now)
		}
	}
	if total == 0 {
		return nil
	}
	at := float64(c.stray.Add(1)*golden>>11) / (1 << 53) * total
	var last *Node
	for i := range c.seats {
		if s := &c.seats[i]; s.node.canTake(r.Tried) {
			last = s.node
			if at -= s.weight * c.part(s.node, r.Now); at < 0 {
				break
			}
		}
	}
	return last // at may stay above 0 when weights shrink meanwhile
}
