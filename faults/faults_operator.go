package main

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// operatorFaults are what operators do while requests come.
var operatorFaults = []*fault{
	{
		name: "edits", short: true, plan: plan{Again: true}, play: playEdits,
		what: "the config is edited every 100 ms for a minute, weights of the targets among the rest, while targets are killed and started",
	},
	{
		name: "sigterm", short: true, plan: plan{Again: true}, play: playGraceful,
		what: "the proxy is told to end in good order while 30 requests are under way (SIGTERM; nginx SIGQUIT, HAProxy SIGUSR1); " +
			"connections refused from then on do not count, and clients repeat what may be repeated on a kept connection that was closed",
	},
	{
		name: "upgrade", short: true, plan: plan{Again: true}, play: playUpgrade,
		what:   "the program takes its own place under load: by SIGUSR2, then twice by sluice upgrade; HAProxy once, by SIGUSR2",
		cannot: map[string]string{nginx.name: "ignores SIGUSR2 where it runs in the foreground"},
	},
	{
		name: "websockets", short: true, alone: true, plan: plan{Rate: 100, Again: true, Tunnels: true}, play: playWebSockets,
		what: "10,000 WebSockets, or as many as the limit of descriptors allows, are held over 50 reloads that do not concern them",
	},
}

func playEdits(s *stage) error {
	length := time.Minute
	if s.short {
		length = 6 * time.Second
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	begun, edits := time.Now(), 0
	var down *target
	for ; time.Since(begun) < length; <-tick.C {
		s.site.Edit++
		s.site.Touch++
		if err := s.edit(); err != nil {
			return err
		}
		if edits++; edits%15 != 0 {
			continue
		}
		if down != nil {
			if err := down.start(); err != nil {
				return err
			}
			down = nil
		} else {
			down = s.targets[edits/30%len(s.targets)]
			s.kill(down)
		}
	}
	s.note("%d edits", edits)
	if s.kind != sluice {
		return nil
	}
	applied, err := s.metric(`sluice_reloads_total{result="applied"}`)
	s.note("%d reloads", applied)
	if applied == 0 {
		s.breaks("no edit was taken in")
	}
	return err
}

func playGraceful(s *stage) error {
	for _, t := range s.targets {
		if err := t.be("slow", 1, 100*time.Millisecond); err != nil {
			return err
		}
	}
	s.hold(2 * time.Second)
	told := time.Now()
	s.excused = func(q sent) bool { return q.out == refused && q.begun.Add(q.took).After(told) }
	retried, err := s.kind.retries(s.proxy)
	if err != nil {
		return err
	}
	s.retried = retried
	if err := s.signal(s.kind.graceful); err != nil {
		return err
	}
	if s.endsWithin(40 * time.Second) {
		code := s.cmd.ProcessState.ExitCode()
		s.note("ended after %v with code %d", time.Since(told).Round(10*time.Millisecond), code)
		if code != 0 {
			s.breaks("it ended with code %d", code)
		}
	} else {
		s.breaks("it has not ended within 40 s")
	}
	s.hold(time.Second / 2)
	return nil
}

func playUpgrade(s *stage) error {
	s.hold(time.Second)
	retried, err := s.kind.retries(s.proxy)
	if err != nil {
		return err
	}
	if err := s.signal(syscall.SIGUSR2); err != nil {
		return err
	}
	if s.kind != sluice {
		s.hold(3 * time.Second)
		return nil
	}
	if !s.endsWithin(40 * time.Second) {
		s.breaks("the first process has not ended")
	}
	for range 2 {
		s.hold(time.Second)
		if out, err := exec.Command(s.cmd.Path, "upgrade", "-config", s.site.Dir+"/"+s.config).CombinedOutput(); err != nil {
			s.breaks("sluice upgrade: %v: %s", err, out)
		}
	}
	s.hold(2 * time.Second)
	// Nobody else asks for the figure when the first process has ended; those of
	// the second are lost.
	last, err := s.kind.retries(s.proxy)
	s.retried = retried + last
	return err
}

// endsWithin waits for the process to end.
func (s *stage) endsWithin(d time.Duration) bool {
	select {
	case <-s.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// webSockets is how many there are to be; each takes two descriptors of a proxy,
// and it keeps some for other things.
func (s *stage) webSockets() int {
	if s.short {
		return 500
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 500
	}
	return min(10000, int(limit.Max-800)/2)
}

func playWebSockets(s *stage) error {
	want, reloads := s.webSockets(), 50
	if s.short {
		reloads = 10
	}
	h, err := startConsole(nil, "holder", s.dir+"/holder.log", s.site.Address)
	if err != nil {
		return err
	}
	defer h.close()
	if _, err := h.listen(); err != nil {
		return err
	}
	opened, err := h.tell(fmt.Sprintf("open %d", want))
	if err != nil {
		return err
	}
	for range reloads {
		if err := s.reloadUnrelated(); err != nil {
			return err
		}
	}
	held, err := h.tell("ping")
	if err != nil {
		return err
	}
	s.note("%s of %d opened, %s held over %d reloads", opened, want, held, reloads)
	if held != fmt.Sprint(want) {
		s.breaks("of %d WebSockets %s were opened and %s held", want, opened, held)
	}
	return nil
}

// reloadUnrelated has the proxy take in an edit that concerns no request, and
// waits until it has.
func (s *stage) reloadUnrelated() error {
	const generation = "sluice_config_generation"
	before := 0
	if s.kind == sluice {
		var err error
		if before, err = s.metric(generation); err != nil {
			return err
		}
	}
	s.site.Edit++
	if err := s.edit(); err != nil {
		return err
	}
	if s.kind != sluice {
		// They do not tell.
		time.Sleep(200 * time.Millisecond)
		return nil
	}
	return s.await("on the new config", func() bool {
		now, err := s.metric(generation)
		return err == nil && now > before
	})
}
