package main

import "time"

// deadFaults are targets that are not there.
var deadFaults = []*fault{
	{
		name: "kill", short: true, play: playKill,
		what: "one target of four after the other is killed (SIGKILL) under load and started again on its port",
	},
	{
		name: "refuse", short: true, play: playRefuse,
		what: "two targets of four are gone for good: their ports refuse",
	},
	{
		name: "hang", short: true, play: playHang,
		what: "a target of four is stopped (SIGSTOP): its port accepts, and nothing comes back; later it goes on (SIGCONT)",
	},
	{
		name: "hang-of-two", plan: plan{Targets: 2}, short: true,
		play: func(s *stage) error {
			// What may be sent again is a share of what has been sent.
			s.hold(3 * time.Second)
			return playHang(s)
		},
		what: "as hang, but a target of two: half of the requests are lost until it is found out",
	},
	{
		name: "all-down", short: true, play: playAllDown,
		what: "all four targets are killed, then one comes back, then the others",
	},
}

func playKill(s *stage) error {
	for _, t := range s.targets[:3] {
		s.hold(time.Second)
		s.kill(t)
		s.hold(2 * time.Second)
		if err := t.start(); err != nil {
			return err
		}
	}
	s.hold(2 * time.Second)
	return nil
}

func playRefuse(s *stage) error {
	s.hold(time.Second)
	s.kill(s.targets[0])
	s.hold(time.Second)
	s.kill(s.targets[1])
	s.hold(6 * time.Second)
	return nil
}

func playHang(s *stage) error {
	s.hold(time.Second)
	if err := s.freeze(s.targets[0]); err != nil {
		return err
	}
	s.hold(6 * time.Second)
	if err := s.thaw(s.targets[0]); err != nil {
		return err
	}
	s.hold(3 * time.Second)
	return nil
}

func playAllDown(s *stage) error {
	s.hold(time.Second)
	begun := time.Now()
	for _, t := range s.targets {
		s.kill(t)
	}
	s.hold(2 * time.Second)
	if err := s.targets[0].start(); err != nil {
		return err
	}
	s.dead = append(s.dead, span{begun, time.Now()})
	s.hold(3 * time.Second)
	for _, t := range s.targets[1:] {
		if err := t.start(); err != nil {
			return err
		}
	}
	s.hold(2 * time.Second)
	return nil
}
