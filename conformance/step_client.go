package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// send writes to the proxy as the client. That the proxy has closed already is
// no error: what it did is seen by what it answered.
func send(s string) Step {
	return func(p *play) error {
		_ = p.client.write(s)
		return nil
	}
}

// sendSingly writes each byte by itself.
func sendSingly(s string) Step {
	return func(p *play) error {
		for i := range len(s) {
			_ = p.client.write(s[i : i+1])
		}
		return nil
	}
}

// drip writes one byte after another, slowly, until the proxy ends the
// connection; it is an error if that takes longer than the play's patience.
func drip(first string, every time.Duration) Step {
	return func(p *play) error {
		_ = p.client.write(first)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for deadline := time.Now().Add(p.within); time.Now().Before(deadline); <-tick.C {
			p.Lock()
			over := p.client.end != nil
			p.Unlock()
			if over {
				return nil
			}
			_ = p.client.write("x")
		}
		return errors.New("waited for a slow sender")
	}
}

// endSending half-closes the client's connection.
func endSending(p *play) error { return p.client.Conn.(*net.TCPConn).CloseWrite() }

// leave closes the client's connection.
func leave(p *play) error { return p.client.Close() }

// breakOff resets the client's connection.
func breakOff(p *play) error {
	p.client.reset()
	return nil
}

// dialAnew makes the steps that follow use a new client connection.
func dialAnew(p *play) error { return p.dial() }

// receives waits until the client has received text, and takes all up to its end
// as used.
func receives(text string) Step {
	return func(p *play) error {
		t := p.client
		err := p.await(p.within, func() bool {
			if i := strings.Index(t.rest(), text); i >= 0 {
				t.used += i + len(text)
				return true
			}
			return t.end != nil
		})
		p.Lock()
		defer p.Unlock()
		if err != nil || t.used == 0 || !strings.HasSuffix(string(t.all[:t.used]), text) {
			return fmt.Errorf("client did not receive %s, but %s", brief(text), brief(t.rest()))
		}
		return nil
	}
}

// gets waits for one whole response of one of the statuses, "200 204", and checks
// it.
func gets(statuses string, checks ...check) Step { return response(statuses, false, checks) }

// getsToHead is gets for the answer to HEAD.
func getsToHead(statuses string, checks ...check) Step { return response(statuses, true, checks) }

func response(statuses string, toHead bool, checks []check) Step {
	return func(p *play) error {
		m, err := p.nextResponse(toHead)
		if err == nil && m.status() == "100" && statuses != "100" {
			m, err = p.nextResponse(toHead) // may come at any time
		}
		if err != nil {
			return err
		}
		if !slices.Contains(strings.Fields(statuses), m.status()) {
			return fmt.Errorf("answered %s", m.status())
		}
		return checkAll(m, checks)
	}
}

// nextResponse waits for one whole response.
func (p *play) nextResponse(toHead bool) (*message, error) {
	t := p.client
	var m message
	var n int
	var malformed error
	err := p.await(p.within, func() bool {
		m, n, malformed = parseResponse(t.rest(), toHead, t.end)
		return malformed == nil || !errors.Is(malformed, errPartial) || t.end != nil
	})
	p.Lock()
	defer p.Unlock()
	switch {
	case err == nil && malformed == nil:
		t.used += n
		p.got = m
		return &p.got, nil
	case err != nil && m.start != "":
		return nil, fmt.Errorf("response %s not complete in %v", m.status(), p.within)
	case err != nil:
		return nil, fmt.Errorf("no response in %v", p.within)
	case len(t.rest()) == 0:
		return nil, errors.New("closed without a response")
	}
	return nil, fmt.Errorf("%w %s", malformed, brief(t.rest()))
}

// closes waits for the proxy to end the client's connection, with no byte more.
func closes(p *play) error {
	t := p.client
	err := p.await(p.within, func() bool { return t.end != nil })
	p.Lock()
	defer p.Unlock()
	switch {
	case err != nil:
		return errors.New("kept the connection")
	case len(t.rest()) > 0:
		return fmt.Errorf("also sent %s", brief(t.rest()))
	}
	return nil
}

// closesCleanly is closes without a reset, which can take a response away that
// has not been read.
func closesCleanly(p *play) error {
	if err := closes(p); err != nil {
		return err
	}
	if !errors.Is(p.client.end, io.EOF) {
		return errors.New("reset the connection")
	}
	return nil
}

// incomplete waits for the connection to end and wants the response on it to be
// visibly cut short; or for an error in its place. Data must have come if some is
// given.
func incomplete(data string) Step {
	return func(p *play) error {
		t := p.client
		if p.await(p.within, func() bool {
			_, _, err := parseResponse(t.rest(), false, t.end)
			return err == nil || t.end != nil
		}) != nil {
			return errors.New("left the client waiting")
		}
		p.Lock()
		defer p.Unlock()
		m, _, err := parseResponse(t.rest(), false, t.end)
		if err == nil {
			if m.status()[0] == '5' {
				return nil // told before a byte of the response was
			}
			return errors.New("made it look complete")
		}
		if !errors.Is(err, errPartial) {
			return fmt.Errorf("%w %s", err, brief(t.rest()))
		}
		if m.status() != "" && !strings.HasPrefix(m.body, data) {
			return fmt.Errorf("lost data, gave %s", brief(m.body))
		}
		return nil
	}
}

// ends is closes, whatever more is sent before.
func ends(p *play) error {
	if p.await(p.within, func() bool { return p.client.end != nil }) != nil {
		return errors.New("kept the connection")
	}
	return nil
}
