package main

import (
	"errors"
	"net"
	"os"
	"strings"
	"time"
)

// cutAfter wants the connection to end with not a byte more of a response whose
// beginning was received, which is visibly incomplete then.
func cutAfter(p *play) error {
	if err := ends(p); err != nil {
		return err
	}
	p.Lock()
	defer p.Unlock()
	if rest := p.client.rest(); rest != "" && rest != "\r\n" {
		return errors.New("also sent " + brief(rest))
	}
	if _, _, err := parseResponse(string(p.client.all), false, p.client.end); err == nil {
		return errors.New("made it look complete")
	}
	return nil
}

// complete wants the client to have the whole of its first response, parts of
// which were received before.
func complete(b string) Step {
	return func(p *play) error {
		p.Lock()
		p.client.used = 0
		p.Unlock()
		return gets("200", body(b))(p)
	}
}

// resetSeen wants the connection to be reset: the only way to tell an HTTP/1.0
// client of an incomplete response.
func resetSeen(p *play) error {
	if err := closesCleanly(p); err == nil {
		return errors.New("made it look complete")
	}
	return ends(p)
}

// incompleteOrClean is incomplete where the proxy is Sluice; a peer may repair it.
func incompleteOrClean(p *play) error {
	if !p.strict {
		if m, err := p.nextResponse(false); err == nil && m.body == "abcabc" {
			return errClean
		}
	}
	return incomplete("")(p)
}

// floods sends data as the origin until the proxy ends the connection.
func floods(p *play) error {
	data := strings.Repeat("x", 64<<10)
	for range 1500 {
		if err := p.up.write(data); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			return nil
		}
	}
	return errors.New("went on reading for nobody")
}

// repliesSingly writes each byte by itself.
func repliesSingly(s string) Step {
	return func(p *play) error {
		for i := range len(s) {
			_ = p.up.write(s[i : i+1])
		}
		return nil
	}
}

// paced writes one byte at a time as the client.
func paced(s string, every time.Duration) Step {
	return func(p *play) error { return pace(p.client, s, every) }
}

// pacedReply writes one byte at a time as the origin.
func pacedReply(s string, every time.Duration) Step {
	return func(p *play) error { return pace(p.up, s, every) }
}

// pace ends early, without an error, when the proxy has ended the connection.
func pace(t *tape, s string, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range len(s) {
		<-tick.C
		if t.write(s[i:i+1]) != nil {
			return nil
		}
	}
	return nil
}

// deaf is a client that asks and reads nothing of its endless answer; the proxy is
// to end it.
func deaf(p *play) error {
	if err := p.listensNot(); err != nil {
		return err
	}
	return floods(p)
}

// heldBack is the same where the proxy is to wait, and not to take in what it
// cannot pass on.
func heldBack(p *play) error {
	if err := p.listensNot(); err != nil {
		return err
	}
	const most, step = 48 << 20, 64 << 10
	data := []byte(strings.Repeat("x", step))
	for taken := 0; taken < most; taken += step {
		_ = p.up.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := p.up.Write(data); errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		} else if err != nil {
			return errors.New("ended it")
		}
	}
	return errors.New("took in all that the client did not read")
}

// listensNot has a client ask that reads nothing, and its answer begin.
func (p *play) listensNot() error {
	c, err := net.Dial("tcp", p.proxy)
	if err != nil {
		return err
	}
	p.before = append(p.before, &tape{Conn: c, bell: p.bell})
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	_, _ = c.Write([]byte(get))
	if err := p.nextRequest(); err != nil {
		return err
	}
	return p.up.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
}

// once wants the client to have received text one time in all.
func once(text string) Step {
	return func(p *play) error {
		p.Lock()
		defer p.Unlock()
		if n := strings.Count(string(p.client.all), text); n != 1 {
			return errors.New("not sent once: " + brief(text))
		}
		return nil
	}
}
