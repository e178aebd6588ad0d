package lb

// newRoundRobin builds the policy round_robin: equal turns, whatever the
// weights and however a node does.
func newRoundRobin(members []Member, opts Options) Picker {
	weights := make([]int, len(members))
	for i := range weights {
		weights[i] = 1
	}
	return newCycle(members, weights, opts)
}
