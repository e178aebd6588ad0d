package main

import (
	"fmt"
	"net"
	"time"
)

// play is one case under way against one proxy.
type play struct {
	*bell
	proxy string // address
	// strict says that the proxy is Sluice: a status must be the one we mean, and
	// not only one that serves the purpose.
	strict bool
	within time.Duration // how long a step waits

	client *tape
	before []*tape // clients of this play that are no longer in use
	up     *tape   // where the last request arrived
	ups    []*tape // guarded by bell
	ended  bool    // guarded by bell
	got    message // the last response
	taken  message // the last request
}

// perform runs a case; the error says what went wrong.
func perform(c *Case, l *lane) error {
	p := &play{bell: newBell(), proxy: l.proxy, strict: l.strict, within: l.within}
	l.origin.stage(p)
	defer func() {
		l.origin.stage(nil)
		p.finish()
	}()
	if err := p.dial(); err != nil {
		return err
	}
	return sequence(c.Steps...)(p)
}

// dial makes a new client connection the one in use.
func (p *play) dial() error {
	c, err := net.Dial("tcp", p.proxy)
	if err != nil {
		return fmt.Errorf("cannot connect: %w", err)
	}
	if p.client != nil {
		p.before = append(p.before, p.client)
	}
	p.client = record(c, p.bell)
	return nil
}

// admit takes a connection from the proxy to the origin.
func (p *play) admit(c net.Conn) bool {
	p.Lock()
	defer p.Unlock()
	if p.ended {
		return false
	}
	p.ups = append(p.ups, record(c, p.bell))
	p.ring()
	return true
}

func (p *play) finish() {
	p.Lock()
	p.ended = true
	ups := p.ups
	p.Unlock()
	for _, t := range ups {
		_ = t.Close()
	}
	for _, t := range append(p.before, p.client) {
		if t != nil {
			_ = t.Close()
		}
	}
}

// arrived returns the first origin connection with bytes that no step has used,
// or nil; the lock must be held.
func (p *play) arrived() *tape {
	for _, t := range p.ups {
		if t.used < len(t.all) && !t.aside {
			return t
		}
	}
	return nil
}
