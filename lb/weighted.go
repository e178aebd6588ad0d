package lb

// newWeighted builds the policy weighted: smooth weighted round robin, as in
// nginx. Weights 5, 1, 1 give a a b a c a a. A node that fails gets fewer
// turns until it does better.
func newWeighted(members []Member, opts Options) Picker {
	weights := make([]int, len(members))
	for i, m := range members {
		weights[i] = m.Weight
	}
	c := newCycle(members, weights, opts)
	c.vigorous = true
	return c
}
