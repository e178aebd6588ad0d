package router

import "math/bits"

// A tree of fasthttprouter yields at most one route for a path and refuses neighbours of different kinds ("/users/new"
// beside "/users/:id"). A host therefore has several trees, its layers, asked one after the other. The planner gives each
// pattern its layer so that (1) of two patterns with a common path the more specific one is in an earlier layer, and
// (2) no layer holds two patterns that one tree refuses. Patterns must come in the order of their kinds, which is the
// order of specificity wherever two of them share a path.
type planner struct {
	root   planNode
	budget int    // visits left for exact overlap searches
	kinds  string // of the pattern placed last
	floor  int    // number of layers used by patterns of other kinds than kinds
	top    int    // number of layers used
}

// planNode is a place between two segments. Numbers of layers count from 1, 0 being none, so that they are at the same
// time the first layer free for something less specific.
type planNode struct {
	text  string
	kids  []*planNode          // static segments
	index map[string]*planNode // kids by text, once there are many
	param *planNode

	end   int // layer of the pattern that ends here
	rest  int // layer of the pattern whose * stands here
	below int // highest layer of what ends here or deeper

	// The layers in which a segment of that kind follows; a closing slash is not static here, as a tree can hold it
	// beside a parameter.
	static, params, slash, rests layerSet
}

// searchesPerPattern bounds the average cost of a pattern's overlap search. A table with wide overlaps beyond it is
// still right, with some more layers.
const searchesPerPattern = 24

func newPlanner(patterns int) *planner {
	return &planner{budget: 1024 + searchesPerPattern*patterns}
}

// place returns the layer of the pattern, counted from 0.
func (p *planner) place(pat *pattern) int {
	if pat.kinds != p.kinds {
		p.kinds, p.floor = pat.kinds, p.top
	}
	// Patterns of equal kinds never share a path; those of other kinds lie all below the floor.
	start := p.floor
	if start > 0 && p.budget > 0 {
		if found := p.overlap(&p.root, pat.segments, 0); p.budget > 0 {
			start = found
		}
	}
	layer := p.claim(pat.segments, start)
	p.top = max(p.top, layer+1)
	return layer
}

// overlap returns the highest layer, and at least best, of the patterns below n that share a path with the segments.
func (p *planner) overlap(n *planNode, segments []segment, best int) int {
	p.budget--
	if n == nil || n.below <= best || p.budget <= 0 {
		return best
	}
	best = max(best, n.rest)
	if len(segments) == 0 {
		return max(best, n.end)
	}
	s, more := segments[0], segments[1:]
	switch s.kind {
	case kindRest:
		return n.below
	case kindStatic:
		best = p.overlap(n.kid(s.text), more, best)
		if s.text != "" {
			best = p.overlap(n.param, more, best)
		}
	case kindParam:
		for _, kid := range n.kids {
			if kid.text != "" {
				best = p.overlap(kid, more, best)
			}
		}
		best = p.overlap(n.param, more, best)
	}
	return best
}

// claim enters the segments in the first layer from start on whose tree takes them.
func (p *planner) claim(segments []segment, start int) int {
	var blocked layerSet
	n := &p.root
	way := make([]*planNode, 1, len(segments)+1)
	way[0] = n
	for i, s := range segments {
		last := i == len(segments)-1
		n.block(&blocked, s, last)
		if s.kind != kindRest {
			n = n.grow(s)
			way = append(way, n)
		}
	}
	layer := blocked.free(start)
	for i, s := range segments {
		way[i].mark(layer, s, i == len(segments)-1)
	}
	for _, n := range way {
		n.below = max(n.below, layer+1)
	}
	if segments[len(segments)-1].kind == kindRest {
		n.rest = layer + 1
	} else {
		n.end = layer + 1
	}
	return layer
}

// block adds the layers whose tree does not take s at n.
func (n *planNode) block(blocked *layerSet, s segment, last bool) {
	blocked.join(n.rests)
	switch {
	case s.kind == kindParam:
		blocked.join(n.static)
	case s.kind == kindRest:
		blocked.join(n.static)
		blocked.join(n.params)
		blocked.join(n.slash)
	case s.text != "" || !last:
		blocked.join(n.params)
	}
}

// mark notes that s follows n in the layer.
func (n *planNode) mark(layer int, s segment, last bool) {
	switch {
	case s.kind == kindParam:
		n.params.add(layer)
	case s.kind == kindRest:
		n.rests.add(layer)
	case s.text == "" && last:
		n.slash.add(layer)
	default:
		n.static.add(layer)
	}
}

// kid returns the place behind a static segment, or nil.
func (n *planNode) kid(text string) *planNode {
	if n.index != nil {
		return n.index[text]
	}
	for _, kid := range n.kids {
		if kid.text == text {
			return kid
		}
	}
	return nil
}

// grow returns the place behind s, which is not a *, and makes it if need be.
func (n *planNode) grow(s segment) *planNode {
	if s.kind == kindParam {
		if n.param == nil {
			n.param = new(planNode)
		}
		return n.param
	}
	if kid := n.kid(s.text); kid != nil {
		return kid
	}
	kid := &planNode{text: s.text}
	n.kids = append(n.kids, kid)
	switch {
	case n.index != nil:
		n.index[s.text] = kid
	case len(n.kids) > 8:
		n.index = make(map[string]*planNode)
		for _, kid := range n.kids {
			n.index[kid.text] = kid
		}
	}
	return kid
}

// layerSet is a set of layers, as bits.
type layerSet []uint64

func (s *layerSet) add(layer int) {
	for len(*s) <= layer/64 {
		*s = append(*s, 0)
	}
	(*s)[layer/64] |= 1 << (layer % 64)
}

func (s *layerSet) join(other layerSet) {
	for len(*s) < len(other) {
		*s = append(*s, 0)
	}
	for i, word := range other {
		(*s)[i] |= word
	}
}

// free returns the first layer from start on that is not in the set.
func (s layerSet) free(start int) int {
	for i := start / 64; i < len(s); i++ {
		word := s[i]
		if i == start/64 {
			word |= 1<<(start%64) - 1
		}
		if word != ^uint64(0) {
			return i*64 + bits.TrailingZeros64(^word)
		}
	}
	return max(start, len(s)*64)
}
