package lb

import "math/bits"

const (
	pointsPerUnit = 256     // of weight, for small weights
	maxPoints     = 1 << 18 // on a ring, about
)

// ring is a circle of points, several for each member, in the order of their
// hashes. It is built from the ids and weights alone.
type ring struct {
	points []point
	start  []uint32 // by the upper bits of a hash: the first point not before them
	shift  uint
}

type point struct {
	hash  uint64
	owner uint32 // index of the member
}

// newRing places the members. Each gets points in proportion to its weight, and
// the same ones in every ring that has the same points per unit: with the
// greatest weight under 4 and no more than 1024 units in all that is always
// 256, and halves each time one of these doubles. So as long as a change does
// not cross such a bound, no key moves between members whose weight stays.
func newRing(members []Member) *ring {
	counts, total := pointCounts(members)
	bucketBits := bits.Len(uint(total))
	r := &ring{points: make([]point, total), shift: uint(64 - bucketBits)}

	// Hashes are spread evenly, so putting each point into the bucket of its
	// upper bits leaves next to nothing to sort.
	r.start = make([]uint32, 1<<bucketBits+1)
	eachPoint(members, counts, func(p point) { r.start[p.hash>>r.shift+1]++ })
	for i := 1; i < len(r.start); i++ {
		r.start[i] += r.start[i-1]
	}
	next := make([]uint32, len(r.start))
	copy(next, r.start)
	eachPoint(members, counts, func(p point) {
		bucket := p.hash >> r.shift
		r.points[next[bucket]] = p
		next[bucket]++
	})
	for i := 1; i < len(r.points); i++ {
		for j := i; j > 0 && comesBefore(members, r.points[j], r.points[j-1]); j-- {
			r.points[j], r.points[j-1] = r.points[j-1], r.points[j]
		}
	}
	return r
}

func pointCounts(members []Member) (counts []int, total int) {
	greatest, sum := 0, 0
	for _, m := range members {
		greatest = max(greatest, m.Weight)
		sum += m.Weight
	}
	halvings := max(bits.Len(uint(greatest))-2, 0)
	for sum*pointsPerUnit>>halvings > maxPoints {
		halvings++
	}
	counts = make([]int, len(members))
	for i, m := range members {
		counts[i] = max(m.Weight*pointsPerUnit>>halvings, 1)
		total += counts[i]
	}
	return counts, total
}

func eachPoint(members []Member, counts []int, visit func(point)) {
	for i, m := range members {
		h := m.Node.hash
		for range counts[i] {
			h += golden
			visit(point{mix(h), uint32(i)})
		}
	}
}

// comesBefore orders points. Where hashes collide ids decide, and not the order
// of members.
func comesBefore(members []Member, a, b point) bool {
	if a.hash != b.hash {
		return a.hash < b.hash
	}
	return members[a.owner].Node.id < members[b.owner].Node.id
}

// find returns the index of the first point at or after hash. The ring must not
// be empty.
func (r *ring) find(hash uint64) int {
	i := int(r.start[hash>>r.shift])
	for i < len(r.points) && r.points[i].hash < hash {
		i++
	}
	if i == len(r.points) {
		return 0
	}
	return i
}
