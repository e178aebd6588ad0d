package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
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

	dead    []span          // no target lived
	excused func(sent) bool // failures that are none; nil: there are none
	notes   []string        // for the document
	broken  []string        // promises besides those that hold for every fault
	closers []func()
}

// target is one origin.
type target struct {
	address string // where the origin listens
	origin  *console
	notes   string // the file of the requests it has read
	log     string
	idle    string
	starts  int
}

func (t *target) start() error {
	t.starts++
	var err error
	t.origin, err = startConsole("origin", fmt.Sprintf("%s.%d", t.log, t.starts), t.address, t.notes, t.idle)
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

func freeAddress(ip string) (string, error) {
	for range 1000 {
		address := fmt.Sprintf("%s:%d", ip, 20000+nextPort.Add(1))
		l, err := net.Listen("tcp", address)
		if err == nil {
			return address, l.Close()
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
	for i := range s.plan.Targets {
		address, err := freeAddress("127.0.0.1")
		if err != nil {
			return err
		}
		t := &target{address: address, notes: filepath.Join(s.dir, "notes"), log: filepath.Join(s.dir, fmt.Sprintf("origin%d", i)), idle: s.plan.Idle}
		if err := t.start(); err != nil {
			return err
		}
		s.targets = append(s.targets, t)
		site.Targets = append(site.Targets, address)
	}
	var err error
	if site.Address, err = freeAddress("127.0.0.1"); err != nil {
		return err
	}
	if site.Admin, err = freeAddress("127.0.0.1"); err != nil {
		return err
	}
	s.client = &client{address: site.Address, again: s.plan.Again}
	s.proxy, err = startProxy(k, program, site)
	return err
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
