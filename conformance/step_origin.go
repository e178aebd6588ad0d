package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// takes waits for one whole request at the origin and checks it.
func takes(checks ...check) Step {
	return func(p *play) error {
		if err := p.nextRequest(); err != nil {
			return err
		}
		return checkAll(&p.taken, checks)
	}
}

// nextRequest waits for one whole request on any connection to the origin.
func (p *play) nextRequest() error {
	var n int
	var malformed error
	err := p.await(p.within, func() bool {
		t := p.arrived()
		if t == nil {
			return p.client.end != nil
		}
		p.up = t
		p.taken, n, malformed = parseRequest(t.rest())
		if malformed == nil {
			t.used += n
			return true
		}
		return !errors.Is(malformed, errPartial) || t.end != nil
	})
	p.Lock()
	defer p.Unlock()
	switch {
	case err == nil && malformed == nil && n > 0:
		return nil
	case n == 0 && malformed == nil:
		if m, _, err := parseResponse(p.client.rest(), false, p.client.end); err == nil {
			return fmt.Errorf("not forwarded, but answered %s", m.status())
		}
		if p.client.end != nil {
			return errors.New("not forwarded, but ended the connection")
		}
		return fmt.Errorf("not forwarded in %v", p.within)
	case err != nil:
		return errors.New("forwarded in part")
	}
	return fmt.Errorf("origin got a %w", malformed)
}

// takesPart waits until the origin has received text, and leaves the request to
// be taken whole later.
func takesPart(text string) Step {
	return func(p *play) error {
		err := p.await(p.within, func() bool {
			t := p.arrived()
			if t == nil {
				return false
			}
			p.up = t
			return strings.Contains(t.rest(), text)
		})
		if err != nil {
			return fmt.Errorf("origin did not receive %s yet", brief(text))
		}
		return nil
	}
}

// takesBytes waits until the origin has received exactly these bytes next, as
// after a switch of protocols.
func takesBytes(text string) Step {
	return func(p *play) error {
		t := p.up
		err := p.await(p.within, func() bool { return len(t.rest()) >= len(text) })
		p.Lock()
		defer p.Unlock()
		if err != nil || t.rest() != text {
			return fmt.Errorf("origin got %s for %s", brief(t.rest()), brief(text))
		}
		t.used += len(text)
		return nil
	}
}

// drops leaves the request on the current connection to itself: an answer may
// come before its end, and no other request is to come behind it.
func drops(p *play) error {
	p.Lock()
	p.up.aside = true
	p.Unlock()
	return nil
}

// replies writes to the proxy as the origin, where the last request came from.
func replies(s string) Step {
	return func(p *play) error {
		_ = p.up.write(s)
		return nil
	}
}

// hangsUp closes the connection that the last request came on.
func hangsUp(p *play) error { return p.up.Close() }

// resets does so with a reset.
func resets(p *play) error {
	p.up.reset()
	return nil
}

// endsReply half-closes the connection that the last request came on.
func endsReply(p *play) error { return p.up.Conn.(*net.TCPConn).CloseWrite() }

// originEnds waits for the proxy to end the connection to the origin.
func originEnds(p *play) error {
	t := p.up
	if p.await(p.within, func() bool { return t.end != nil }) != nil {
		return errors.New("kept the connection to the origin")
	}
	return nil
}

// cutShort waits for the proxy to end the connection to the origin, and wants the
// request on it to be visibly incomplete.
func cutShort(p *play) error {
	var t *tape
	if p.await(p.within, func() bool { t = p.up; return t != nil && t.end != nil }) != nil {
		return errors.New("left the origin waiting")
	}
	p.Lock()
	defer p.Unlock()
	_, _, err := parseRequest(t.rest())
	t.used = len(t.all)
	if err == nil {
		return errors.New("made it look complete")
	}
	return nil
}

// neverWhole wants no connection to the origin to have had a whole request that
// no step has taken.
func neverWhole(p *play) error {
	p.Lock()
	defer p.Unlock()
	for _, t := range p.ups {
		if _, _, err := parseRequest(t.rest()); err == nil {
			return errors.New("forwarded it as complete")
		}
	}
	return nil
}

// nothingBehind wants nothing to have come behind the requests that drops has left
// to themselves.
func nothingBehind(p *play) error {
	p.Lock()
	defer p.Unlock()
	for _, t := range p.ups {
		if !t.aside {
			continue
		}
		if _, n, err := parseRequest(t.rest()); err == nil && n < len(t.rest()) {
			return fmt.Errorf("sent %s behind it", brief(t.rest()[n:]))
		}
	}
	return nil
}

// untouched wants the origin to have received nothing that no step has taken.
func untouched(p *play) error {
	p.Lock()
	defer p.Unlock()
	if t := p.arrived(); t != nil {
		return fmt.Errorf("forwarded %s", brief(t.rest()))
	}
	return nil
}

// connections wants the origin to have been connected to n times in all.
func connections(n int) Step {
	return func(p *play) error {
		p.Lock()
		defer p.Unlock()
		if len(p.ups) != n {
			return fmt.Errorf("%d connections to the origin, not %d", len(p.ups), n)
		}
		return nil
	}
}
