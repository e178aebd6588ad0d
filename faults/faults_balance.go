package main

import "time"

// balanceFaults show what the policy makes of one slow target.
var balanceFaults = []*fault{
	oneSlow("one-slow-weighted", "weighted", nil),
	oneSlow("one-slow-least", "least_request", nil),
	oneSlow("one-slow-ewma", "ewma", map[string]string{nginx.name: "has no such policy", haproxy.name: "has no such policy"}),
}

func oneSlow(name, policy string, cannot map[string]string) *fault {
	return &fault{
		name: name, plan: plan{Balance: policy, Rate: 600}, cannot: cannot,
		what: "one target of four takes 200 ms for each answer; balanced by " + policy + " (see p99)",
		play: func(s *stage) error {
			if err := s.targets[0].be("slow", 1, 200*time.Millisecond); err != nil {
				return err
			}
			s.hold(6 * time.Second)
			return nil
		},
	}
}
