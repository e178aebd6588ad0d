package main

import (
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// nameFaults are names of targets that the DNS knows otherwise after a while.
var nameFaults = []*fault{
	{
		name: "dns", plan: plan{Name: true, Targets: 2}, play: playDNS,
		what: "the target is a name: it changes to another address, whose predecessor is killed 12 s later; then the DNS answers " +
			"SERVFAIL for 4 s, then nothing for 4 s, and comes back",
	},
	{
		name: "dns-failover", plan: plan{Name: true, Targets: 2}, play: playFailover,
		what: "the target is a name: its address is killed, and at once the name has another, which lives",
	},
}

func playDNS(s *stage) error {
	old, next := s.targets[0], s.targets[1]
	s.hold(time.Second)
	s.point(next)
	// No proxy asks for every request: it may be as late as this.
	time.Sleep(12 * time.Second)
	s.kill(old)
	s.hold(2 * time.Second)
	s.world.dns.set(s.name, zone{code: dnsmessage.RCodeServerFailure})
	s.hold(4 * time.Second)
	s.world.dns.set(s.name, zone{silent: true})
	s.hold(4 * time.Second)
	s.point(next)
	s.hold(2 * time.Second)
	return nil
}

func playFailover(s *stage) error {
	s.hold(time.Second)
	s.point(s.targets[1])
	s.kill(s.targets[0])
	s.hold(12 * time.Second)
	return nil
}
