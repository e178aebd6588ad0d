package lb

import (
	"math"
	"sync/atomic"
)

// consistentHash gives equal keys to the same node as long as that can take
// them, and else to the next one on the ring.
//
// A node with a share below 1 keeps that part of its keys, always the same
// ones, and more as its share grows; the others go to the next node. When all
// have a reduced share, the greatest counts as 1.
//
// With bounded load, a node whose requests in flight are more than its bounded
// part of all in flight is passed over too. When no node wants a key, its first
// usable node takes it all the same.
type consistentHash struct {
	ring  *ring
	seats []hashSeat
	bound float64 // 0: none

	// With up to thirty-two nodes the sums are reckoned anew for every pick
	// that needs them, with more every so many picks, which comes to looking
	// at some sixteen nodes a pick.
	stride   uint32
	picks    atomic.Uint32
	inFlight atomic.Int64  // of all usable nodes, when last reckoned
	worth    atomic.Uint64 // of all usable nodes, float64 bits
}

// hashSeat is a member of a consistentHash.
type hashSeat struct {
	node   *Node
	weight float64
}

func newConsistentHash(members []Member, opts Options) Picker {
	h := &consistentHash{
		ring:   newRing(members),
		seats:  make([]hashSeat, len(members)),
		bound:  opts.BoundedLoad,
		stride: 1,
	}
	for i, m := range members {
		h.seats[i] = hashSeat{m.Node, float64(m.Weight)}
	}
	if len(members) > 32 {
		h.stride = uint32(len(members) / 16)
	}
	h.reckon()
	return h
}

// lookup is one pick under way.
type lookup struct {
	key      uint64
	tried    *Tried
	greatest float64 // share of the usable nodes; 0: not yet known
	room     float64 // see roomPerWorth; 0: not yet known
}

// Pick implements [Picker].
func (h *consistentHash) Pick(r Request) *Node {
	if len(h.seats) == 0 {
		return nil
	}
	return h.walk(&lookup{key: mix(r.Key), tried: r.Tried})
}

// walk goes round the ring from the key's point on; nearly always the first
// node takes it. It stops to look at all nodes when the first points lead
// nowhere, since the ring may be long and all of it useless.
func (h *consistentHash) walk(l *lookup) *Node {
	var spare *Node
	at := h.ring.find(l.key)
	for step := range h.ring.points {
		if step == patience {
			some, usable, wanting := h.survey(l)
			switch {
			case usable < 2:
				return some
			case wanting == 0 && spare != nil:
				return spare
			}
		}
		s := &h.seats[h.ring.points[at].owner]
		if s.node.canTake(l.tried) {
			if h.wants(s, l) {
				return s.node
			}
			if spare == nil {
				spare = s.node
			}
		}
		if at++; at == len(h.ring.points) {
			at = 0
		}
	}
	return spare
}

// survey counts the nodes that can take the request and those of them that
// want the key, and returns one that can.
func (h *consistentHash) survey(l *lookup) (some *Node, usable, wanting int) {
	for i := range h.seats {
		if s := &h.seats[i]; s.node.canTake(l.tried) {
			some = s.node
			usable++
			if h.wants(s, l) {
				wanting++
			}
		}
	}
	return some, usable, wanting
}

// wants reports whether a usable node keeps the key and has room for it.
func (h *consistentHash) wants(s *hashSeat, l *lookup) bool {
	return h.keeps(s.node, l) && (h.bound == 0 || h.hasRoom(s, l))
}

// keeps reports whether the key is in the part of its keys that the node's
// share leaves it.
func (h *consistentHash) keeps(n *Node, l *lookup) bool {
	share := n.Share()
	if share == 1 {
		return true
	}
	if l.greatest == 0 {
		l.greatest = h.greatestShare()
	}
	return below(mix(l.key^n.hash), share/l.greatest)
}

// greatestShare is that of the usable nodes. It seldom has to look far: the
// first node that has no slow start ends the search.
func (h *consistentHash) greatestShare() float64 {
	greatest := minShare
	for i := range h.seats {
		if n := h.seats[i].node; n.Usable() {
			if greatest = max(greatest, n.Share()); greatest == 1 {
				break
			}
		}
	}
	return greatest
}

// hasRoom reports whether one more request keeps the node within its bound.
// Bounds are rounded up, so an idle node always has room.
func (h *consistentHash) hasRoom(s *hashSeat, l *lookup) bool {
	inFlight := s.node.InFlight()
	if inFlight <= 0 {
		return true
	}
	if l.room == 0 {
		l.room = h.roomPerWorth()
	}
	const rounding = 1e-6
	return float64(inFlight+1) <= math.Ceil(l.room*s.weight*s.node.Share()-rounding)
}

// roomPerWorth is how many requests a node may have in flight for each unit of
// its worth, the one to be picked for included.
func (h *consistentHash) roomPerWorth() float64 {
	if h.stride == 1 || h.picks.Add(1)%h.stride == 0 {
		h.reckon()
	}
	return h.bound * float64(h.inFlight.Load()+1) / math.Float64frombits(h.worth.Load())
}

// reckon sums up what is in flight and what the nodes that carry it are worth.
func (h *consistentHash) reckon() {
	inFlight, worth := int64(0), 0.0
	for i := range h.seats {
		if s := &h.seats[i]; s.node.Usable() {
			inFlight += s.node.InFlight()
			worth += s.weight * s.node.Share()
		}
	}
	h.inFlight.Store(inFlight)
	h.worth.Store(math.Float64bits(worth))
}
