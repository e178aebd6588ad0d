package main

import "time"

// badFaults are targets that answer badly. Their health checks go well.
var badFaults = []*fault{
	bad("reset", "a target of four resets the connection when it has read a request", 1),
	bad("reset-often", "a target of four resets the connection for every second request", 0.5),
	bad("half-head", "a target of four closes in the middle of the response head", 1),
	bad("reset-head", "a target of four resets in the middle of the response head", 1),
	bad("half-body", "a target of four closes in the middle of the body: what was begun cannot be repeated, but must be seen to be cut", 1),
	bad("garbage", "a target of four answers with bytes that are no HTTP", 1),
	{
		name: "503", plan: plan{Retry503: true}, play: misbehave("503", 1, 0), short: true,
		what: "a target of four answers 503 in bursts, which the proxy is told to try again",
	},
	{
		name: "slow", play: misbehave("slow", 1, 4*time.Second),
		what: "a target of four takes 4 s to answer, where 2 s are allowed",
	},
}

func bad(mode, what string, share float64) *fault {
	f := &fault{name: mode, what: what, cuts: mode == "half-body", short: mode == "reset" || mode == "half-head" || mode == "garbage"}
	if mode == "reset-often" {
		mode = "reset"
	}
	f.play = misbehave(mode, share, 0)
	return f
}

// misbehave has the first target misbehave twice.
func misbehave(mode string, share float64, delay time.Duration) func(*stage) error {
	return func(s *stage) error {
		for range 2 {
			s.hold(time.Second)
			if err := s.targets[0].be(mode, share, delay); err != nil {
				return err
			}
			s.hold(3 * time.Second)
			if err := s.targets[0].well(); err != nil {
				return err
			}
		}
		s.hold(time.Second)
		return nil
	}
}
