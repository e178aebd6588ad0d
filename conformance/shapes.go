package main

import (
	"errors"
	"fmt"
	"strings"
)

// Messages that many cases use.
const (
	get      = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
	postHead = "POST / HTTP/1.1\r\nHost: h\r\n"
	chunked  = postHead + "Transfer-Encoding: chunked\r\n\r\n"
	ok       = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
)

// getWith is a GET with more field lines, each with its CRLF.
func getWith(lines string) string { return "GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n" }

// sequence makes one step of several.
func sequence(steps ...Step) Step {
	return func(p *play) error {
		for _, s := range steps {
			if err := s(p); err != nil {
				return err
			}
		}
		return nil
	}
}

// refuses is a request that must be refused with one of the statuses.
func refuses(name, ref, statuses, request string) Case {
	return Case{Name: name, Ref: ref, Steps: []Step{send(request), refused(statuses)}}
}

// passes is a request that must reach the origin, and its answer the client.
func passes(name, ref, request string, checks ...check) Case {
	return Case{Name: name, Ref: ref, Steps: []Step{send(request), takes(checks...), replies(ok), gets("200", body("ok"))}}
}

// answers is a response to GET that must reach the client.
func answers(name, ref, response string, checks ...check) Case {
	status := strings.Fields(response)[1]
	return Case{Name: name, Ref: ref, Steps: []Step{send(get), takes(), replies(response), gets(status, checks...)}}
}

// answersHead is answers to HEAD; the connection must be of use afterwards.
func answersHead(name, ref, response string, checks ...check) Case {
	status := strings.Fields(response)[1]
	return Case{Name: name, Ref: ref, Steps: []Step{send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), takes(), replies(response),
		getsToHead(status, checks...), again}}
}

// spoils is a response that must not reach the client, nor its connection another
// request.
func spoils(name, ref, response string) Case {
	return Case{Name: name, Ref: ref, Steps: []Step{send(get), takes(), replies(response), gets("502"), originEnds, elsewhere}}
}

// doubtful is spoils where a peer may as well make a clean response of it.
func doubtful(name, ref, response string) Case {
	c := spoils(name, ref, response)
	strictly := gets("502")
	c.Steps[3] = func(p *play) error {
		err := strictly(p)
		if err != nil && !p.strict && p.got.status() == "200" && p.got.clean() {
			return errClean
		}
		return err
	}
	return c
}

// breaks is a chunked body that must not look complete to the origin.
func breaks(name, ref, rest string) Case {
	return Case{Name: name, Ref: ref, Steps: []Step{send(chunked + rest), cutOff("400"), closes, neverWhole}}
}

// dubious is breaks where a peer may as well make a clean body of it, without
// trailer fields.
func dubious(name, ref, rest string) Case {
	c := breaks(name, ref, rest)
	strictly := sequence(c.Steps...)
	c.Steps = []Step{func(p *play) error {
		err := strictly(p)
		if err != nil && !p.strict && p.nextRequest() == nil && p.taken.body == "abc" && p.taken.trailer == nil {
			return errClean
		}
		return err
	}}
	return c
}

// continues waits for the client to be told to go on: by the proxy, or by the
// origin where the proxy leaves it to that.
func continues(p *play) error {
	err := p.await(p.within, func() bool {
		return len(p.client.rest()) > 0 || p.client.end != nil || p.arrived() != nil && strings.Contains(p.arrived().rest(), "100-")
	})
	if err != nil {
		return errors.New("told nobody to go on")
	}
	p.Lock()
	told := len(p.client.rest()) > 0 || p.arrived() == nil
	if !told {
		p.up = p.arrived()
	}
	p.Unlock()
	if !told {
		_ = p.up.write("HTTP/1.1 100 Continue\r\n\r\n")
	}
	return gets("100")(p)
}

// again sends another request on the same client connection, and wants its own
// answer.
var again = sequence(send("GET /again HTTP/1.1\r\nHost: h\r\n\r\n"), takes(target("/again")),
	replies("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain"), gets("200", body("again")))

// another sends a request on a client connection of its own, and wants its own
// answer.
var another = sequence(dialAnew, send("GET /another HTTP/1.1\r\nHost: h\r\n\r\n"), takes(target("/another")),
	replies("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nanother"), gets("200", body("another")))

// elsewhere is another that must come to the origin on a connection of its own.
func elsewhere(p *play) error {
	before := p.up
	if err := another(p); err != nil {
		return fmt.Errorf("next request: %w", err)
	}
	if p.up == before {
		return errors.New("used the connection to the origin again")
	}
	return nil
}

// reused is another that must come to the origin on a connection that was there
// before. A client may have its answer before the proxy has taken the connection
// back, so it has a few tries.
func reused(p *play) error {
	for range 10 {
		p.Lock()
		before := len(p.ups)
		p.Unlock()
		if err := another(p); err != nil {
			return fmt.Errorf("next request: %w", err)
		}
		p.Lock()
		after := len(p.ups)
		p.Unlock()
		if after == before {
			return nil
		}
	}
	return errors.New("did not use a connection to the origin again")
}
