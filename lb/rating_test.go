package lb

import "testing"

func TestRate(t *testing.T) {
	node := NewNode("a")
	node.SetShare(0.5)
	node.Start()
	node.Start()
	node.latency.succeeded(0, 20*ms)
	for policy, want := range map[string]struct {
		rating string
		rate   float64
	}{
		"weighted":        {RateChance, 2},
		"random":          {RateChance, 2},
		"round_robin":     {RateChance, 0.5},
		"least_request":   {RateLoad, 2.5 / 2},
		"ewma":            {RateCost, 20.0 * 3 / 2},
		"consistent_hash": {RateTurn, 0},
	} {
		if got := Rating(policy); got != want.rating {
			t.Errorf("%s is rated by %s, want %s", policy, got, want.rating)
		}
		if got := Rate(policy, Member{Node: node, Weight: 4}, 0); got != want.rate {
			t.Errorf("%s: %v, want %v", policy, got, want.rate)
		}
		if got := Rate(policy, Member{Node: node}, 0); got != 0 {
			t.Errorf("%s without weight: %v", policy, got)
		}
	}
	node.Done(0, 0, false)
	if got := Rate("weighted", Member{Node: node, Weight: 4}, 0); got != 1 {
		t.Errorf("after a failure: %v, want half", got)
	}
	if n := len(Policies()); n != 6 {
		t.Errorf("%d policies; say what the new one goes by", n)
	}
}
