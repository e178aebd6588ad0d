package main

import (
	"errors"
	"net"
	"time"
)

// loadFaults are more than the proxy has room for.
var loadFaults = []*fault{
	{
		name: "storm", short: true, alone: true, plan: plan{Rate: 100}, play: playStorm,
		what: "3000 clients connect at once and send a request each, three times",
	},
	{
		name: "descriptors", short: true, plan: plan{Rate: 100, Descriptors: 200}, play: playDescriptors,
		what: "the proxy may have 200 descriptors, and 400 clients connect and say nothing for 4 s; the load goes on meanwhile",
	},
	{
		name: "disk-full", short: true, plan: plan{AccessLog: "/dev/full", Stderr: "/dev/full"}, play: playDiskFull,
		cannot: map[string]string{haproxy.name: "writes no file itself"},
		what:   "every write to the access log and to standard error fails: no space left on device",
	},
}

func playStorm(s *stage) error {
	n := 3000
	if s.short {
		n = 1000
	}
	for range 3 {
		s.hold(time.Second)
		crowd := &client{address: s.site.Address}
		// Those of the storm are counted like all others.
		steady := s.client
		s.client = crowd
		s.burst(n)
		s.client = steady
		crowd.close()
	}
	s.hold(time.Second)
	return nil
}

func playDescriptors(s *stage) error {
	s.hold(2 * time.Second)
	var quiet []net.Conn
	for range 400 {
		if c, err := net.DialTimeout("tcp", s.site.Address, time.Second); err == nil {
			quiet = append(quiet, c)
		}
	}
	s.hold(4 * time.Second)
	if s.kind == sluice {
		s.note("%d of 200 descriptors open", s.descriptors())
	}
	for _, c := range quiet {
		_ = c.Close()
	}
	s.hold(3 * time.Second)
	if !s.alive() {
		s.breaks("%v", s.explain(errors.New("it has ended")))
	}
	return nil
}

func playDiskFull(s *stage) error {
	s.hold(5 * time.Second)
	if s.kind == sluice {
		lost, err := s.metric("sluice_access_log_dropped_total")
		if err != nil {
			return err
		}
		s.note("%d lines lost, and counted", lost)
		if lost == 0 {
			s.breaks("lines of the log were lost and not counted")
		}
	}
	return nil
}
