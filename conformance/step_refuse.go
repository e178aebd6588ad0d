package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// refused waits for a refusal, of one of the statuses where the proxy is Sluice,
// then for the end of the connection, and wants nothing to have reached the
// origin.
func refused(statuses string) Step {
	return func(p *play) error {
		if err := p.isRefused(statuses); err != nil {
			return err
		}
		if !p.strict && p.got.status() == "413" {
			return untouched(p) // and may read past the body
		}
		if err := closes(p); err != nil {
			return err
		}
		return untouched(p)
	}
}

// isRefused waits for a response that refuses, or the end of the connection. A
// peer may also forward the request in a clean form.
func (p *play) isRefused(statuses string) error {
	t := p.client
	err := p.await(p.within, func() bool {
		_, _, err := parseResponse(t.rest(), false, t.end)
		return err == nil || t.end != nil || p.arrived() != nil
	})
	if err != nil {
		return errors.New("waited for more")
	}
	p.Lock()
	forwarded := p.arrived() != nil
	p.Unlock()
	if forwarded {
		if !p.strict && p.nextRequest() == nil && p.taken.clean() {
			return errClean
		}
		return errors.New("forwarded it")
	}
	p.Lock()
	defer p.Unlock()
	m, n, err := parseResponse(t.rest(), false, t.end)
	t.used += n
	p.got = m
	switch {
	case err != nil && p.strict:
		return errors.New("closed without a response")
	case err != nil:
		return nil
	case p.strict && !slices.Contains(strings.Fields(statuses), m.status()), m.status()[0] < '4':
		return fmt.Errorf("answered %s", m.status())
	}
	return nil
}

// cutOff waits for an answer of one of the statuses, or the end of the connection
// where the proxy is not Sluice; that the origin has seen a part is no matter.
func cutOff(statuses string) Step {
	return func(p *play) error {
		t := p.client
		var whole bool
		err := p.await(p.within, func() bool {
			whole = p.holdsWhole()
			_, _, err := parseResponse(t.rest(), false, t.end)
			return err == nil || t.end != nil || whole
		})
		if err != nil {
			return errors.New("waited for more")
		}
		p.Lock()
		defer p.Unlock()
		m, n, err := parseResponse(t.rest(), false, t.end)
		t.used += n
		switch {
		case whole:
			return errors.New("forwarded it as complete")
		case err != nil && p.strict:
			return errors.New("closed without a response")
		case err == nil && (m.status()[0] < '4' || p.strict && !slices.Contains(strings.Fields(statuses), m.status())):
			return fmt.Errorf("answered %s", m.status())
		}
		return nil
	}
}

// holdsWhole reports whether the origin has a whole request that no step took; the
// lock must be held.
func (p *play) holdsWhole() bool {
	for _, t := range p.ups {
		if _, _, err := parseRequest(t.rest()); err == nil {
			return true
		}
	}
	return false
}

var (
	oneHost   = regexp.MustCompile(`^([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?$`)
	cleanLine = regexp.MustCompile(`^[!#$%&'*+.^_|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*$`)
	cleanHead = regexp.MustCompile(`^[!#$%&'*+.^_|~0-9A-Za-z-]+ [^\x00-\x20\x7f]+ HTTP/1\.[01]$`)
)

// clean reports whether a message can be read in one way only: its framing was
// judged when it was parsed.
func (m *message) clean() bool {
	if !strings.HasPrefix(m.start, "HTTP/1.") {
		hosts := m.values("Host")
		if len(hosts) != 1 || !oneHost.MatchString(hosts[0]) || !cleanHead.MatchString(m.start) ||
			strings.Contains(m.target(), "#") || strings.HasPrefix(m.start, "CONNECT") || strings.HasPrefix(m.start, "TRACE") {
			return false
		}
	}
	return !slices.ContainsFunc(m.lines, func(l string) bool { return !cleanLine.MatchString(l) })
}

// smuggled wants that whatever happens, no request for /smuggled comes to the
// origin.
func smuggled(name, ref, bytes string) Case {
	return Case{Name: name, Ref: ref, Steps: []Step{send(bytes), endSending, func(p *play) error {
		for {
			err := p.await(p.within, func() bool { return p.arrived() != nil || p.client.end != nil })
			if err != nil {
				return nil // waits for the rest of a body
			}
			p.Lock()
			done := p.arrived() == nil
			p.Unlock()
			if done {
				return nil
			}
			if p.nextRequest() != nil {
				return neverWhole(p)
			}
			if err := lacksTarget("/smuggled")(&p.taken); err != nil {
				return err
			}
			_ = p.up.write(ok)
		}
	}}}
}

func lacksTarget(t string) check {
	return func(m *message) error {
		if target(t)(m) == nil {
			return errSmuggled
		}
		return nil
	}
}
