package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// stage is one proxy before its origins, while one fault is played.
type stage struct {
	*proxy
	plan    *plan
	dir     string
	short   bool
	targets []*target
	client  *client
	tally   tally
	load    *load
	world   *world
	link    *link  // before the first targets, if the plan says so
	toxic   *toxic // before the first target, if the plan says so
	name    string // the target, if it is a name; with its last dot

	dead    []span          // no target lived
	excused func(sent) bool // failures that are none; nil: there are none
	notes   []string        // for the document
	broken  []string        // promises besides those that hold for every fault
	retried int             // the proxy's own figure, of processes that have ended
	closers []func()
}

// target is one origin.
type target struct {
	address string // where the origin listens
	origin  *console
	notes   string // the file of the requests it has read
	log     string
	idle    string
	behind  *link
	starts  int
}

func (t *target) start() error {
	t.starts++
	var err error
	t.origin, err = startConsole(t.behind, "origin", fmt.Sprintf("%s.%d", t.log, t.starts), t.address, t.notes, t.idle)
	if err != nil {
		return err
	}
	_, err = t.origin.listen()
	return err
}

// be has the origin misbehave for a share of the requests.
func (t *target) be(mode string, share float64, delay time.Duration) error {
	answer, err := t.origin.tell(fmt.Sprintf("be %s %v %v", mode, share, delay))
	if err == nil && answer != "ok" {
		err = fmt.Errorf("the origin says %q", answer)
	}
	return err
}

func (t *target) well() error { return t.be("well", 1, 0) }

// nextPort is below those that the system gives to outgoing connections, so that
// none of them takes the place of an origin that is down.
var nextPort atomic.Int32

func freeAddress(ip string, behind *link) (string, error) {
	for range 1000 {
		address := fmt.Sprintf("%s:%d", ip, 20000+nextPort.Add(1))
		err := behind.enter(func() error {
			l, err := net.Listen("tcp", address)
			if err == nil {
				err = l.Close()
			}
			return err
		})
		if err == nil {
			return address, nil
		}
	}
	return "", fmt.Errorf("no port of %s is free", ip)
}

// build starts the origins and the proxy.
func (s *stage) build(k *kind, program string) error {
	site := &site{Dir: filepath.Join(s.dir, k.name), Plan: s.plan}
	if err := os.Mkdir(site.Dir, 0o755); err != nil {
		return err
	}
	if err := s.buildTargets(site); err != nil {
		return err
	}
	var err error
	if site.Address, err = freeAddress("127.0.0.1", nil); err != nil {
		return err
	}
	if site.Admin, err = freeAddress("127.0.0.1", nil); err != nil {
		return err
	}
	s.client = &client{address: site.Address, again: s.plan.Again}
	s.proxy, err = startProxy(k, program, site)
	return err
}

// buildTargets starts the origins, and what is before them.
func (s *stage) buildTargets(site *site) (err error) {
	if s.plan.Link > 0 {
		if s.link, err = newLink(); err != nil {
			return err
		}
		s.closers = append(s.closers, s.link.close)
	}
	for i := range s.plan.Targets {
		t := &target{notes: filepath.Join(s.dir, "notes"), log: filepath.Join(s.dir, fmt.Sprintf("origin%d", i)), idle: s.plan.Idle}
		ip := "127.0.0.1"
		if i < s.plan.Link {
			t.behind, ip = s.link, s.link.far
		}
		if s.plan.Name && i > 0 {
			t.address = net.JoinHostPort(fmt.Sprintf("127.0.0.%d", i+1), portOf(s.targets[0].address))
		} else if t.address, err = freeAddress(ip, t.behind); err != nil {
			return err
		}
		if err := t.start(); err != nil {
			return err
		}
		s.targets = append(s.targets, t)
		site.Targets = append(site.Targets, t.address)
	}
	if s.plan.Name {
		s.point(s.targets[0])
		site.Targets = []string{net.JoinHostPort(strings.TrimSuffix(s.name, "."), portOf(s.targets[0].address))}
	}
	if s.plan.Toxic {
		if site.Targets[0], err = freeAddress("127.0.0.1", nil); err != nil {
			return err
		}
		if s.toxic, err = startToxic(site.Targets[0], s.targets[0].address); err != nil {
			return err
		}
		s.closers = append(s.closers, s.toxic.Stop)
	}
	return nil
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// point has the name be the address of a target.
func (s *stage) point(t *target) {
	s.world.dns.set(s.name, zone{address: netip.MustParseAddrPort(t.address).Addr()})
}

// tear ends all that was built.
func (s *stage) tear() {
	if s.client != nil {
		s.client.close()
	}
	if s.proxy != nil {
		s.proxy.stop()
	}
	for _, t := range s.targets {
		if t.origin != nil {
			t.origin.close()
		}
	}
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// hold lets the traffic go on for a time, a shorter one in the short form.
func (s *stage) hold(d time.Duration) {
	if s.short {
		d = d * 2 / 3
	}
	time.Sleep(d)
}

func (s *stage) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// breaks notes that a promise of this fault's own is broken.
func (s *stage) breaks(format string, args ...any) {
	s.broken = append(s.broken, fmt.Sprintf(format, args...))
}

// kill kills an origin, as a crash does.
func (s *stage) kill(t *target) { t.origin.close() }

// freeze and thaw stop and continue an origin; the system goes on accepting
// connections for it.
func (s *stage) freeze(t *target) error { return t.origin.signal(syscall.SIGSTOP) }
func (s *stage) thaw(t *target) error   { return t.origin.signal(syscall.SIGCONT) }
