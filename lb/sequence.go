package lb

const (
	maxTurns      = 1 << 16 // in one round
	maxSmoothWork = 1 << 22 // turns times members
)

// sequence lays out one round in which index i comes weights[i] times, its
// turns spread as evenly as those of the others allow. Weights are above 0 and
// reduced by their common divisor.
//
// The order is nginx's. Where that would take long to work out, with many
// members of many different weights, it is by earliest deadline, which is as
// even. Where the weights add up to more than 65536 they are rounded to that
// resolution: every share is then right to 1/65536 of the whole, and the
// smallest get at least one turn in a round.
func sequence(weights []int) []uint32 {
	ws, sum := reduce(weights)
	switch {
	case sum == int64(len(ws)):
		return upTo(len(ws))
	case sum*int64(len(ws)) <= maxSmoothWork:
		return smooth(ws, sum)
	default:
		return byDeadline(ws, sum)
	}
}

func reduce(weights []int) (ws []int64, sum int64) {
	var divisor int64
	for _, w := range weights {
		divisor = gcd(divisor, int64(w))
		sum += int64(w)
	}
	if divisor > 0 {
		sum /= divisor
	}
	ws = make([]int64, len(weights))
	reduced := int64(0)
	for i, w := range weights {
		ws[i] = int64(w) / divisor
		if sum > maxTurns {
			ws[i] = max((ws[i]*maxTurns+sum/2)/sum, 1)
		}
		reduced += ws[i]
	}
	return ws, reduced
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func upTo(n int) []uint32 {
	turns := make([]uint32, n)
	for i := range turns {
		turns[i] = uint32(i)
	}
	return turns
}

// smooth is nginx's smooth weighted round robin: with every turn each grows by
// its weight, the greatest is chosen and gives up the sum of all weights.
func smooth(ws []int64, sum int64) []uint32 {
	turns := make([]uint32, sum)
	current := make([]int64, len(ws))
	for t := range turns {
		best := 0
		for i, w := range ws {
			current[i] += w
			if current[i] > current[best] {
				best = i
			}
		}
		current[best] -= sum
		turns[t] = uint32(best)
	}
	return turns
}

// byDeadline gives each turn to the one that is due first: the turn k, from 0,
// of a weight w is due at (k+1/2)/w.
func byDeadline(ws []int64, sum int64) []uint32 {
	due := make([]int64, len(ws)) // twice the turns had, plus 1
	heap := upTo(len(ws))
	sooner := func(a, b uint32) bool {
		x, y := due[a]*ws[b], due[b]*ws[a]
		return x < y || x == y && a < b
	}
	sink := func(at int) {
		for {
			least := at
			for child := 2*at + 1; child <= 2*at+2 && child < len(heap); child++ {
				if sooner(heap[child], heap[least]) {
					least = child
				}
			}
			if least == at {
				return
			}
			heap[at], heap[least] = heap[least], heap[at]
			at = least
		}
	}
	for i := range due {
		due[i] = 1
	}
	for at := len(heap) / 2; at >= 0; at-- {
		sink(at)
	}
	turns := make([]uint32, sum)
	for t := range turns {
		turns[t] = heap[0]
		due[heap[0]] += 2
		sink(0)
	}
	return turns
}
