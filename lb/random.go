package lb

// random draws a node in proportion to weight.
type random struct{ lottery }

func newRandom(members []Member, opts Options) Picker {
	return &random{newLottery(members, opts)}
}

// Pick implements [Picker].
func (p *random) Pick(r Request) *Node {
	if t := p.draw(r.Tried); t != nil {
		return t.node
	}
	return nil
}
