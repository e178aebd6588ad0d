package lb

// Ratings say what [Rate] returns for a policy.
const (
	RateChance = "chance" // the part of the picks that goes to the node, before others are set against it
	RateLoad   = "load"   // requests in flight for its weight; the lower of two that are drawn is taken
	RateCost   = "cost"   // expected ms, times requests in flight, for its weight; the lower is taken
	RateTurn   = "turn"   // its place in the order in which the key's nodes are asked, from 1
)

// Rating returns which of the ratings a policy goes by.
func Rating(policy string) string {
	switch policy {
	case "least_request":
		return RateLoad
	case "ewma":
		return RateCost
	case "consistent_hash":
		return RateTurn
	}
	return RateChance
}

// Rate tells how a policy rates a member at now, for people who ask why a node is
// picked. For RateChance it is in proportion only; for RateTurn it is 0, since only
// a picker knows. For RateCost it is 0 while nothing is known of the node.
func Rate(policy string, m Member, now int64) float64 {
	worth := float64(m.Weight) * m.Node.Share()
	inFlight := float64(max(m.Node.InFlight(), 0))
	switch {
	case m.Weight == 0:
		return 0
	case policy == "round_robin":
		return m.Node.Share()
	case policy == "weighted":
		return worth * float64(m.Node.vigour.left(now)) / fullVigour
	case policy == "least_request":
		return (inFlight + 0.5) / worth
	case policy == "ewma":
		return float64(m.Node.Latency(now)) / 1e6 * (inFlight + 1) / worth
	case policy == "consistent_hash":
		return 0
	}
	return worth
}
