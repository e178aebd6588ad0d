package main

import (
	"net"
	"strconv"
	"time"
)

// lane is a proxy's address and the origin behind it, for one play at a time.
type lane struct {
	proxy  string
	origin *origin
	strict bool
	within time.Duration
	// done gives the lane back; an error is what went wrong within the proxy.
	done func() error
}

// contestant is a proxy that cases are run against.
type contestant interface {
	// lane returns one that is free, waiting for it if need be.
	lane(Setup) (*lane, error)
	stop()
}

// lanesPerSetup bounds how many plays a peer has at once in one setup.
const lanesPerSetup = 4

// peerWait is how long a step waits for a peer; Sluice, which is to pass on a busy
// machine as well, has longer.
const (
	peerWait   = 2 * time.Second
	sluiceWait = 15 * time.Second
)

// peer is another proxy: one process that listens once for each lane.
type peer struct {
	process *process
	origins []*origin
	free    [setups]chan *lane
}

// site is what a peer's config says of one lane.
type site struct {
	Name   string
	Setup  Setup
	Listen string // address
	Origin string // address
}

// newPeer reserves ports and calls start with the sites they belong to. It tries
// again where somebody has taken a port in between.
func newPeer(start func([]site) (*process, error)) (p *peer, err error) {
	for range 5 {
		if p, err = startPeer(start); err == nil {
			break
		}
	}
	return p, err
}

func startPeer(start func([]site) (*process, error)) (*peer, error) {
	p := &peer{}
	var sites []site
	var held []net.Listener
	for s := Plain; s < setups; s++ {
		p.free[s] = make(chan *lane, lanesPerSetup)
		for i := range lanesPerSetup {
			o, err := newOrigin()
			if err != nil {
				return nil, err
			}
			p.origins = append(p.origins, o)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			held = append(held, l)
			name := "s" + strconv.Itoa(int(s)) + "n" + strconv.Itoa(i)
			sites = append(sites, site{name, s, l.Addr().String(), o.Addr().String()})
			free := &lane{proxy: l.Addr().String(), origin: o, within: peerWait}
			free.done = func() error { p.free[s] <- free; return nil }
			p.free[s] <- free
		}
	}
	for _, l := range held {
		_ = l.Close()
	}
	var err error
	if p.process, err = start(sites); err == nil {
		err = p.process.listening(sites[len(sites)-1].Listen)
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *peer) lane(s Setup) (*lane, error) { return <-p.free[s], nil }

func (p *peer) stop() {
	if p.process != nil {
		p.process.stop()
	}
	for _, o := range p.origins {
		_ = o.Close()
	}
}
