package lb

// leastRequest draws two nodes in proportion to weight and takes the one with
// fewer requests in flight for its weight.
//
// An idle node that is drawn first is taken without a look at the other. So
// weights hold when nothing is in flight, where otherwise the heavier of two
// nodes would always win. For the same reason half a request is added to those
// in flight, not a whole one: that is the rounding which favours neither the
// heavy nor the light, as with seats in a parliament.
type leastRequest struct{ lottery }

func newLeastRequest(members []Member, opts Options) Picker {
	return &leastRequest{newLottery(members, opts)}
}

// Pick implements [Picker].
func (p *leastRequest) Pick(r Request) *Node {
	a := p.draw(r.Tried)
	if a == nil {
		return nil
	}
	inFlight := a.node.InFlight()
	if inFlight <= 0 {
		return a.node
	}
	b := p.rival(a, r.Tried)
	if b == nil {
		return a.node
	}
	if (float64(b.node.InFlight())+0.5)*a.worth() < (float64(inFlight)+0.5)*b.worth() {
		return b.node
	}
	return a.node
}
