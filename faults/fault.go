package main

import "time"

// fault is one thing that goes wrong, and the traffic while it does.
type fault struct {
	name string
	what string // for the document, one line
	plan plan
	// play brings the fault about while the load runs; an error says that it could
	// not be.
	play func(*stage) error
	// cannot says why a proxy is not put to the test, by its name.
	cannot map[string]string
	// cuts says that responses are cut off after they have begun: they were passed
	// on, nobody can repeat them, and a client sees that they are not whole.
	cuts bool
	// posts says that requests that may not be repeated must not fail either.
	posts bool
	// alone says that the proxies are tried one after the other, not at once.
	alone bool
	// short says that it is part of the short form.
	short bool
}

// plan is what is built for a fault.
type plan struct {
	Targets     int // 4 if 0
	Rate        int // requests per second; 300 if 0
	Balance     string
	Retry503    bool
	Idle        string // how long origins keep a connection
	AccessLog   string
	Stderr      string
	Descriptors int    // the proxy's limit
	Name        bool   // the target is a name
	Answer      string // how long an answer may take
	Again       bool   // clients repeat what may be, as the proxy ends
	Tunnels     bool   // there are many WebSockets, which may be quiet for long
	Toxic       bool   // the first target is reached through toxiproxy
	Link        int    // so many targets are reached over a link of ours
}

// setDefaults fills in what was left out. The short form is played on machines
// that are busy, and must not take that for a fault.
func (p *plan) setDefaults(short bool) {
	p.Answer = "2s"
	if short {
		p.Answer = "5s"
	}
	if p.Targets == 0 {
		p.Targets = 4
	}
	if p.Rate == 0 {
		p.Rate = 300
	}
}

// faults are all there are, in the order of the document.
var faults = slicesOf(deadFaults, badFaults, netFaults, nameFaults, idleFaults, balanceFaults, loadFaults, operatorFaults)

func slicesOf(groups ...[]*fault) (all []*fault) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// span is a time in which something holds.
type span struct{ from, to time.Time }

// touches reports whether a request was under way at any time of the span.
func (sp span) touches(s sent) bool {
	return s.begun.Before(sp.to) && s.begun.Add(s.took).After(sp.from)
}
