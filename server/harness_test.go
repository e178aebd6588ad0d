package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/wire"
)

const (
	here  = "127.0.0.1:0"
	there = "127.0.0.2:0" // another address, so that one listener can go
	ask   = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	last  = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	hold  = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
)

// edge is a server whose handler answers "ok", once released where the target is
// /hold.
type edge struct {
	*server.Server
	t       testing.TB
	begun   chan struct{} // a held request has begun
	release chan struct{} // closed or sent to let held requests end

	mu      sync.Mutex
	refused []*wire.Refusal
}

func (e *edge) onRefuse(_ []byte, r *wire.Refusal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused = append(e.refused, r)
}

// refusals returns the reasons of the refusals told so far.
func (e *edge) refusals() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for _, r := range e.refused {
		all = append(all, r.Reason)
	}
	return all
}

// answerOK is what a handler does that has nothing to say.
func answerOK(c *server.Conn) error {
	fields := "Content-Length: 2\r\n"
	if !c.KeepAlive() {
		c.CloseAfter()
		fields += "Connection: close\r\n"
	}
	return c.Send([]byte("HTTP/1.1 200 OK\r\n" + fields + "\r\nok"))
}

func (e *edge) handle(ctx *fasthttp.RequestCtx) {
	c := ctx.Conn().(*server.Conn)
	if string(c.Head().Origin) == "/hold" {
		e.begun <- struct{}{}
		<-e.release
	}
	_ = answerOK(c)
}

// newEdge returns a server without listeners; handle nil stands for edge.handle.
func newEdge(t testing.TB, handle fasthttp.RequestHandler) *edge {
	return newParkingEdge(t, 0, handle)
}

// newParkingEdge is newEdge with another ParkAfter.
func newParkingEdge(t testing.TB, parkAfter time.Duration, handle fasthttp.RequestHandler) *edge {
	e := &edge{t: t, begun: make(chan struct{}, 100), release: make(chan struct{})}
	if handle == nil {
		handle = e.handle
	}
	e.Server = server.New(server.Options{Handler: handle, Refused: e.onRefuse, ParkAfter: parkAfter,
		Trouble: func(msg string, err error) {
			if strings.Contains(msg, "idle connections") {
				t.Errorf("%s: %v", msg, err)
			}
		}})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = e.Shutdown(ctx)
	})
	return e
}

// limits are generous, but for what edit changes.
func limits(edit func(*config.Limits)) config.Limits {
	minute := config.Duration(time.Minute)
	l := config.Limits{HeaderBytes: 16 << 10, Headers: 128, HeaderTimeout: minute, BodyTimeout: minute,
		IdleTimeout: minute, WriteTimeout: minute, DrainTimeout: minute}
	if edit != nil {
		edit(&l)
	}
	return l
}

func listeners(addresses ...string) []config.Listener {
	var all []config.Listener
	for _, a := range addresses {
		all = append(all, config.Listener{Address: a})
	}
	return all
}

// use puts listeners and limits in force.
func (e *edge) use(l config.Limits, addresses ...string) {
	e.t.Helper()
	change, err := e.Prepare(context.Background(), listeners(addresses...), l)
	if err != nil {
		e.t.Fatal(err)
	}
	change.Commit()
}

// serve is newEdge and use in one, with one listener.
func serve(t testing.TB, edit func(*config.Limits), handle fasthttp.RequestHandler) *edge {
	t.Helper()
	e := newEdge(t, handle)
	e.use(limits(edit), here)
	return e
}

// peer is a client's end of a connection.
type peer struct {
	net.Conn
	t  testing.TB
	br *bufio.Reader
}

func dial(t testing.TB, address net.Addr) *peer {
	t.Helper()
	c, err := net.Dial(address.Network(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &peer{Conn: c, t: t, br: bufio.NewReader(c)}
}

// dial connects to the listener configured as address.
func (e *edge) dial(address string) *peer {
	e.t.Helper()
	return dial(e.t, e.Addresses()[address])
}

func (p *peer) send(parts ...string) *peer {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, strings.Join(parts, "")); err != nil {
		p.t.Fatal(err)
	}
	return p
}

// head reads up to an empty line.
func (p *peer) head() string {
	p.t.Helper()
	var head strings.Builder
	for {
		line, err := p.br.ReadString('\n')
		head.WriteString(line)
		if err != nil {
			p.t.Fatalf("no whole head, but %q: %v", head.String(), err)
		}
		if line == "\r\n" {
			return head.String()
		}
	}
}

// ok reads the answer of answerOK and tells whether it says that the connection
// ends.
func (p *peer) ok() (closes bool) {
	p.t.Helper()
	head := p.head()
	body := make([]byte, 2)
	if _, err := io.ReadFull(p.br, body); err != nil || string(body) != "ok" {
		p.t.Fatalf("answer %q%q, %v; want ok", head, body, err)
	}
	return strings.Contains(head, "Connection: close")
}

// rest returns all that comes until the server closes; a reset is an error.
func (p *peer) rest() string {
	p.t.Helper()
	all, err := io.ReadAll(p.br)
	if err != nil {
		p.t.Fatalf("the connection ended with %v after %q", err, all)
	}
	return string(all)
}

// wants fails unless what p is sent until the end begins with the status given.
func (p *peer) wants(status string) {
	p.t.Helper()
	if got := p.rest(); !strings.HasPrefix(got, "HTTP/1.1 "+status+" ") {
		p.t.Errorf("answer %q, want %s", got, status)
	}
}

// within waits for a condition that nothing tells of.
func within(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// refusedDial fails unless nobody listens at address.
func refusedDial(t testing.TB, address net.Addr) {
	t.Helper()
	if c, err := net.Dial(address.Network(), address.String()); err == nil {
		_ = c.Close()
		t.Errorf("somebody listens on %s", address)
	}
}
