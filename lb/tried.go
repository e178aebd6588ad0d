package lb

// maxTried is how many nodes a Tried remembers.
const maxTried = 8

// Tried is the set of nodes already tried for one request. Its zero value is
// empty, and a nil *Tried reads as empty. It belongs to the request: it is not
// safe for use from several goroutines at once.
type Tried struct {
	nodes [maxTried]*Node
	n     int
}

// Add puts n into the set. A full set, of eight, stays as it is, so a request
// must not be tried more often than nine times.
func (t *Tried) Add(n *Node) {
	if t.n < maxTried && !t.Has(n) {
		t.nodes[t.n] = n
		t.n++
	}
}

// Has reports whether n is in the set.
func (t *Tried) Has(n *Node) bool {
	if t == nil {
		return false
	}
	for _, have := range t.nodes[:t.n] {
		if have == n {
			return true
		}
	}
	return false
}

// Len is the number of nodes in the set.
func (t *Tried) Len() int {
	if t == nil {
		return 0
	}
	return t.n
}

// Reset empties the set and lets go of its nodes.
func (t *Tried) Reset() { *t = Tried{} }
