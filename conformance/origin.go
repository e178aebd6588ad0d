package main

import (
	"net"
	"sync"
)

// origin accepts connections from a proxy for the play that is on. Between plays
// it accepts none.
type origin struct {
	net.Listener
	mu   sync.Mutex
	play *play
}

func newOrigin() (*origin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{Listener: l}
	go o.accept()
	return o, nil
}

func (o *origin) accept() {
	for {
		c, err := o.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		p := o.play
		o.mu.Unlock()
		if p == nil || !p.admit(c) {
			_ = c.Close()
		}
	}
}

// stage makes p the play that connections belong to; nil for none.
func (o *origin) stage(p *play) {
	o.mu.Lock()
	o.play = p
	o.mu.Unlock()
}
