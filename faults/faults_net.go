package main

import "time"

// netFaults are networks that do not do as they should.
var netFaults = []*fault{
	{
		name: "black-hole", plan: plan{Link: 1}, short: true, play: playBlackHole,
		what: "every packet to and from a target of four is lost, those of open connections too, in a network namespace of its own",
	},
	{
		name: "bad-link", plan: plan{Link: 4}, play: playBadLink,
		what: "all four targets are behind a link with 20 ms delay, 10 ms jitter and 2 % loss each way",
	},
	toxicFault("toxic-latency", "answers 500 ms late, give or take 200", `{"type": "latency", "attributes": {"latency": 500, "jitter": 200}}`),
	toxicFault("toxic-bandwidth", "has 20 KB/s for each connection", `{"type": "bandwidth", "attributes": {"rate": 20}}`),
	toxicFault("toxic-slow-close", "closes 1 s late", `{"type": "slow_close", "attributes": {"delay": 1000}}`),
	toxicFault("toxic-timeout", "swallows all data and closes after 500 ms", `{"type": "timeout", "attributes": {"timeout": 500}}`),
	toxicFault("toxic-reset", "resets each connection after 50 ms", `{"type": "reset_peer", "attributes": {"timeout": 50}}`),
	toxicFault("toxic-slicer", "answers in slices of 64 bytes, 2 ms apart", `{"type": "slicer", "attributes": {"average_size": 64, "size_variation": 32, "delay": 2000}}`),
	toxicFault("toxic-limit", "closes each connection after 5000 bytes, in the middle of a body", `{"type": "limit_data", "attributes": {"bytes": 5000}}`),
}

func playBlackHole(s *stage) error {
	for range 2 {
		s.hold(time.Second)
		s.link.set(weather{loss: 1})
		s.hold(4 * time.Second)
		s.link.set(weather{})
	}
	s.hold(3 * time.Second)
	return nil
}

func playBadLink(s *stage) error {
	s.hold(time.Second)
	s.link.set(weather{delay: 20 * time.Millisecond, jitter: 10 * time.Millisecond, loss: 0.02})
	s.hold(8 * time.Second)
	s.link.set(weather{})
	s.hold(time.Second)
	return nil
}

func toxicFault(name, what, json string) *fault {
	return &fault{
		name: name, what: "a target of four, behind toxiproxy, " + what, plan: plan{Toxic: true}, cuts: name == "toxic-limit",
		play: func(s *stage) error {
			s.hold(time.Second)
			if err := s.toxic.poison(json); err != nil {
				return err
			}
			s.hold(4 * time.Second)
			s.toxic.heal()
			s.hold(2 * time.Second)
			return nil
		},
	}
}
