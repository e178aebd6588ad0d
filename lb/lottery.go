package lb

import (
	"math/bits"
)

// draws is how often a lottery draws before it looks at all nodes instead.
const draws = 16

// lottery draws members at random in proportion to weight and share, in
// constant time while most of them can be picked: it is an alias table (Vose),
// and what cannot be picked is drawn again.
type lottery struct {
	tickets []ticket
	source  *source
}

// ticket is one of equally likely lots. Its lower part, up to limit, belongs to
// its own member and the rest to another.
type ticket struct {
	node   *Node
	weight float64
	limit  float64 // 0..1
	other  int
}

func newLottery(members []Member, opts Options) lottery {
	l := lottery{tickets: make([]ticket, len(members)), source: new(source)}
	l.source.seed(opts.Seed)
	sum := 0.0
	for _, m := range members {
		sum += float64(m.Weight)
	}
	// The part of a lot that each would fill; those with less than one are
	// filled up from those with more.
	var small, large []int
	for i, m := range members {
		t := &l.tickets[i]
		*t = ticket{node: m.Node, weight: float64(m.Weight), limit: float64(m.Weight) * float64(len(members)) / sum, other: i}
		if t.limit < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, g := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		l.tickets[s].other = g
		rest := &l.tickets[g]
		if rest.limit -= 1 - l.tickets[s].limit; rest.limit < 1 {
			large = large[:len(large)-1]
			small = append(small, g)
		}
	}
	return l
}

// drawn is the member that the random number x stands for.
func (l *lottery) drawn(x uint64) *ticket {
	lot, within := bits.Mul64(x, uint64(len(l.tickets)))
	t := &l.tickets[lot]
	if below(within, t.limit) {
		return t
	}
	return &l.tickets[t.other]
}

// draw returns a member that can take the request, or nil.
func (l *lottery) draw(tried *Tried) *ticket {
	if len(l.tickets) == 0 {
		return nil
	}
	for range draws {
		if t := l.drawn(l.source.next()); l.valid(t, tried) {
			return t
		}
	}
	return l.scan(tried, nil)
}

// rival returns a member other than first that can take the request, or nil if
// there is none. Every fourth draw heeds no weights, or next to one member with
// nearly all the weight no other would come up.
func (l *lottery) rival(first *ticket, tried *Tried) *ticket {
	switch len(l.tickets) {
	case 1:
		return nil
	case 2:
		t := &l.tickets[0]
		if t == first {
			t = &l.tickets[1]
		}
		if t.node.canTake(tried) {
			return t
		}
		return nil
	}
	for i := range draws {
		x := l.source.next()
		t := l.drawn(x)
		if i%4 == 3 {
			lot, _ := bits.Mul64(x, uint64(len(l.tickets)))
			t = &l.tickets[lot]
		}
		if t != first && l.valid(t, tried) {
			return t
		}
	}
	return l.scan(tried, first)
}

// valid reports whether what was drawn counts. Of a node with a share below 1
// that part of the draws does.
func (l *lottery) valid(t *ticket, tried *Tried) bool {
	if !t.node.canTake(tried) {
		return false
	}
	share := t.node.Share()
	return share == 1 || below(l.source.next(), share)
}

// scan draws from all members but the one to be left out.
func (l *lottery) scan(tried *Tried, out *ticket) *ticket {
	total := 0.0
	for i := range l.tickets {
		if t := &l.tickets[i]; t != out && t.node.canTake(tried) {
			total += t.worth()
		}
	}
	if total == 0 {
		return nil
	}
	at := float64(l.source.next()>>11) / (1 << 53) * total
	var last *ticket
	for i := range l.tickets {
		if t := &l.tickets[i]; t != out && t.node.canTake(tried) {
			last = t
			if at -= t.worth(); at < 0 {
				break
			}
		}
	}
	return last // at may stay above 0 when shares shrink meanwhile
}

// worth is the weight the member has now.
func (t *ticket) worth() float64 { return t.weight * t.node.Share() }
