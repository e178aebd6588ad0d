package lb

import "math"

// NodeState is what has been learned of a node, in a form that another process
// can take over.
type NodeState struct {
	// Cost is the average latency in ns, measured last Age ns ago; 0 if none was.
	Cost float64 `json:"cost_ns,omitempty"`
	Age  int64   `json:"age_ns,omitempty"`
	// Lack is what the node lacks of its full vigour, in 1024ths.
	Lack int64 `json:"lack,omitempty"`
}

// State returns what has been learned of the node, as of now.
func (n *Node) State(now int64) NodeState {
	s := NodeState{Lack: fullVigour - n.vigour.left(now)}
	if s.Cost = math.Float64frombits(n.latency.cost.Load()); s.Cost > 0 {
		s.Age = now - n.latency.stamp.Load()
	}
	return s
}

// Restore makes what was learned elsewhere, as of now, known of the node. Values
// that no node could have are brought into their range. It is meant for a node
// that nothing is sent to yet.
func (n *Node) Restore(s NodeState, now int64) {
	n.vigour.lack.Store(lackOf(min(max(fullVigour-s.Lack, minVigour), fullVigour), now))
	if s.Cost > 0 { // which is false for NaN
		n.latency.cost.Store(math.Float64bits(min(s.Cost, maxCost)))
		n.latency.stamp.Store(now - max(s.Age, 0))
	}
}
