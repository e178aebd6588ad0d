package lb

// clearly is how much better the second of two nodes must score to be taken.
// Nodes nearer to each other than that count as equal, so that chance
// differences do not draw all requests to one of them.
const clearly = 9.0 / 8

// ewma draws two nodes in proportion to weight and takes the one with the
// lower product of expected latency and requests in flight, for its weight. If
// the first is idle the weights are left out, having been heeded by the draw:
// else the heavier of two idle nodes would always win.
//
// No node starves. What was measured is believed less and less while nothing
// new is measured, and a node that is not believed is taken to be like the one
// it is compared with; so is one of which nothing is known yet, which therefore
// is neither flooded nor passed over. Trust falls with time, and faster with
// each comparison lost by an idle node: one whose single bad answer was an
// accident gets its next chance after some hundred requests, not minutes later.
type ewma struct{ lottery }

func newEWMA(members []Member, opts Options) Picker {
	return &ewma{newLottery(members, opts)}
}

// Pick implements [Picker].
func (p *ewma) Pick(r Request) *Node {
	a := p.draw(r.Tried)
	if a == nil {
		return nil
	}
	b := p.rival(a, r.Tried)
	if b == nil {
		return a.node
	}
	costA, costB := expected(a.node, b.node, r.Now)
	loadA, loadB := a.node.InFlight(), b.node.InFlight()
	scoreA, scoreB := costA*float64(loadA+1), costB*float64(loadB+1)
	if loadA > 0 {
		scoreA *= b.worth()
		scoreB *= a.worth()
	}
	if scoreA > scoreB*clearly {
		p.lost(a.node, loadA)
		return b.node
	}
	p.lost(b.node, loadB)
	return a.node
}

// expected returns the latencies to reckon with. Each is between what was
// measured and the mean of both, according to how far it is believed.
func expected(a, b *Node, now int64) (costA, costB float64) {
	costA, trustA := a.latency.read(now)
	costB, trustB := b.latency.read(now)
	if trustA+trustB < 1e-9 {
		return 1, 1
	}
	mean := (costA*trustA + costB*trustB) / (trustA + trustB)
	return costA*trustA + mean*(1-trustA), costB*trustB + mean*(1-trustB)
}

// lost ages what is known of an idle node. Only every eighth loss counts, eight
// times, to spare the write. While a request is under way it will tell how the
// node does, and one that hangs must not be made to look better meanwhile.
func (p *ewma) lost(n *Node, inFlight int64) {
	if inFlight <= 0 && p.source.next()%8 == 0 {
		n.latency.age()
	}
}
