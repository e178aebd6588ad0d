package router

import "math/bits"

// A tree of fasthttprouter yields at most one route for a path and refuses neighbours of different kinds ("/users/new"
// beside "/users/:id"). A host therefore has several trees, its layers, asked one after the other. The planner gives each
// pattern the first layer whose tree takes it, and must be given the patterns in the order of their kinds.
//
// That alone makes the layers come in the order of specificity. Let P and Q share a path, P being the more specific: up
// to some place their segments are equal, and there P's kind comes before Q's. Q is kept out of P's layer by P itself.
// Had an earlier layer refused P, then because of a pattern that was placed before P, which leaves three cases. It meets
// P before that place: there Q is as P, and is refused too. It meets P at that place: P has a parameter there and it a
// literal, and Q, which must have a *, is refused too. Or it goes with P beyond that place, and keeps Q out as P would.
type planner struct {
	root  *planNode
	nodes map[planStep]*planNode
	way   []*planNode // of the pattern being placed; kept to be used again
	slab  slab[planNode]
}

// clear makes the planner ready for the patterns of another host.
func (p *planner) clear() {
	if p.nodes == nil {
		p.nodes = make(map[planStep]*planNode)
	}
	clear(p.nodes)
	p.root = &p.slab.cut(1)[0]
}

// planNode is a place between two segments.
type planNode struct {
	used   layerSet // layers with a pattern that ends here or goes on from here
	static layerSet // layers with one that goes on with a literal; trees take a closing slash beside a parameter
}

// planStep leads from a place to the next.
type planStep struct {
	from *planNode
	segment
}

// place returns the layer of the pattern, counted from 0.
func (p *planner) place(pat *pattern) int {
	var blocked layerSet
	n := p.root
	p.way = append(p.way[:0], n)
	for _, s := range pat.segments {
		switch s.kind {
		case kindParam:
			blocked.join(n.static)
		case kindRest:
			blocked.join(n.used)
			continue // it is the last
		}
		n = p.step(n, s)
		p.way = append(p.way, n)
	}
	layer := blocked.free()
	for _, n := range p.way {
		n.used.add(layer)
	}
	for i, s := range pat.segments {
		if last := i == len(pat.segments)-1; s.kind == kindStatic && !(last && s.text == "") {
			p.way[i].static.add(layer)
		}
	}
	return layer
}

// step returns the place that s leads to, and makes it if need be.
func (p *planner) step(from *planNode, s segment) *planNode {
	if s.kind == kindParam {
		s.text = "" // whatever its name
	}
	step := planStep{from, s}
	n := p.nodes[step]
	if n == nil {
		n = &p.slab.cut(1)[0]
		p.nodes[step] = n
	}
	return n
}

// layerSet is a set of layers, as bits. Most have few layers.
type layerSet struct {
	first uint64   // the layers 0 to 63
	more  []uint64 // those from 64
}

func (s *layerSet) add(layer int) {
	if layer < 64 {
		s.first |= 1 << layer
		return
	}
	s.grow(layer / 64)
	s.more[layer/64-1] |= 1 << (layer % 64)
}

// grow makes room for n words after the first.
func (s *layerSet) grow(n int) {
	for len(s.more) < n {
		s.more = append(s.more, 0)
	}
}

func (s *layerSet) join(other layerSet) {
	s.first |= other.first
	s.grow(len(other.more))
	for i, word := range other.more {
		s.more[i] |= word
	}
}

// free returns the first layer that is not in the set.
func (s *layerSet) free() int {
	if s.first != ^uint64(0) {
		return bits.TrailingZeros64(^s.first)
	}
	for i, word := range s.more {
		if word != ^uint64(0) {
			return (i+1)*64 + bits.TrailingZeros64(^word)
		}
	}
	return (len(s.more) + 1) * 64
}
