package lb

import (
	"math"
	"sync/atomic"
)

// minShare is the least share a node can have. It is above 0 because a node
// that is the only usable one must still be picked.
const minShare = 1.0 / 1024

// Node is one thing that can be picked. It outlives pickers: when a reload
// builds a new picker over nodes that stay, their state, load and latency go
// on. Make it with [NewNode]. All methods may be called from any goroutine.
type Node struct {
	// Read by every pick, seldom written.
	id    string
	hash  uint64        // of id
	down  atomic.Bool   // not usable
	share atomic.Uint64 // float64 bits
	limit atomic.Int64  // of requests in flight; 0: none
	vigour

	// Written by every request, so kept off the cache lines above. 128 and
	// not 64, since processors fetch lines in pairs.
	_      [128 - 56]byte
	counts atomic.Uint64 // requests ended, shifted left, and those in flight
	latency
	_ [128 - 24]byte
}

// endedShift leaves room for sixteen million requests in flight. Both counts
// share a word so that counting the ended ones costs nothing.
const endedShift = 24

// NewNode returns a usable node with a full share. The id must not change
// between processes or reloads, since consistent_hash places the node by it; a
// target's address serves.
func NewNode(id string) *Node {
	n := &Node{id: id, hash: KeyString(id)}
	n.SetShare(1)
	return n
}

// ID returns what [NewNode] was given.
func (n *Node) ID() string { return n.id }

// Usable reports whether the node may be picked.
func (n *Node) Usable() bool { return !n.down.Load() }

// SetUsable says whether the node may be picked. It takes effect with the next
// pick of every picker that has the node.
func (n *Node) SetUsable(usable bool) { n.down.Store(!usable) }

// Share is the part of its weight that the node is given now.
func (n *Node) Share() float64 { return math.Float64frombits(n.share.Load()) }

// SetShare scales the node's weight in every policy, for a slow start. A share
// outside 1/1024 to 1 is brought into that range.
func (n *Node) SetShare(share float64) {
	if !(share >= minShare) { // catches NaN too
		share = minShare
	}
	n.share.Store(math.Float64bits(min(share, 1)))
}

// Limit is the most requests the node may have in flight; 0 stands for no limit.
func (n *Node) Limit() int64 { return n.limit.Load() }

// SetLimit has pickers pass over the node while it has so many requests in flight;
// 0 sets no limit. Picks that come at once may exceed it: who must not looks at
// what [Node.Start] returns.
func (n *Node) SetLimit(most int64) { n.limit.Store(most) }

// Full reports whether the node has as many requests in flight as it may.
func (n *Node) Full() bool {
	limit := n.limit.Load()
	return limit > 0 && n.InFlight() >= limit
}

// InFlight is the number of requests begun and not yet ended.
func (n *Node) InFlight() int64 { return int64(n.counts.Load() & (1<<endedShift - 1)) }

// Ended is the number of requests that [Node.Done] was told of. It begins anew
// after 2^40 of them; see [Node.EndedSince].
func (n *Node) Ended() uint64 { return n.counts.Load() >> endedShift }

// EndedSince is how many requests have ended since Ended returned before.
func (n *Node) EndedSince(before uint64) uint64 {
	return (n.Ended() - before) & (1<<(64-endedShift) - 1)
}

// Start says that a request to the node begins, and returns how many are in
// flight with it. Every Start needs one [Node.Done] or [Node.Cancel].
func (n *Node) Start() int64 { return int64(n.counts.Add(1) & (1<<endedShift - 1)) }

// Cancel takes a Start back: the request did not go to the node after all.
func (n *Node) Cancel() { n.counts.Add(^uint64(0)) }

// Done says that a request to the node has ended at now, after latency, both
// in ns. Now is of any clock that does not go backwards, always the same. A
// latency of 0 or less says that none was measured. With ok false the request
// failed through the node's fault: weighted then gives the node fewer turns for
// a while, and ewma takes it for slow.
func (n *Node) Done(now, latency int64, ok bool) {
	n.counts.Add(1<<endedShift - 1)
	if ok {
		n.vigour.succeeded(now)
		n.latency.succeeded(now, latency)
	} else {
		n.vigour.failed(now)
		n.latency.failed(now, latency)
	}
}

// Latency is the node's peak-sensitive moving average latency in ns, weighed
// by how far it is still believed: it fades to 0 while no request tells
// anything new. 0 means that nothing is known.
func (n *Node) Latency(now int64) int64 {
	cost, trust := n.latency.read(now)
	return int64(cost * trust)
}

// canTake reports whether the node may be picked for a request that has tried
// the given nodes.
func (n *Node) canTake(tried *Tried) bool { return !n.down.Load() && !tried.Has(n) && !n.Full() }
