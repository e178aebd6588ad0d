package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a client waits for its answer.
const patience = 20 * time.Second

// What becomes of a request, but for a status or an error that is told as it is.
const (
	well       = "well"
	refused    = "refused"           // the connection; nothing was sent
	cutShort   = "cut short"         // after the head of a response
	wrong      = "another's answer"  // never to be
	closedIdle = "closed under it"   // a kept connection, before a byte of a response
	noAnswer   = "closed, no answer" // a new connection, before a byte of a response
	tooSlow    = "no answer in time"
)

// client sends requests over kept connections, one at a time on each. It may be
// used from many goroutines.
type client struct {
	address string
	// again says that a request that may be repeated is, once, when a kept
	// connection turns out to be closed before a byte of a response, as RFC 9112
	// section 9.3.1 has it. Clients of a proxy that ends on purpose need that.
	again bool

	mu   sync.Mutex
	idle []*clientConn
}

type clientConn struct {
	net.Conn
	br   *bufio.Reader
	used bool
}

func (c *client) get(fresh bool) (*clientConn, error) {
	for conn := c.take(); conn != nil && !fresh; conn = c.take() {
		if conn.alive() {
			return conn, nil
		}
		_ = conn.Close()
	}
	conn, err := net.DialTimeout("tcp", c.address, patience)
	if err != nil {
		return nil, err
	}
	return &clientConn{Conn: conn, br: bufio.NewReader(conn)}, nil
}

func (c *client) take() *clientConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 {
		return nil
	}
	conn := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return conn
}

// alive reports whether the proxy keeps an idle connection, as far as can be
// known; clients that do not look lose requests that the proxy has not.
func (conn *clientConn) alive() bool {
	raw, err := conn.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	_ = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		quiet = err == unix.EAGAIN
		return true
	})
	return quiet
}

func (c *client) put(conn *clientConn) {
	conn.used = true
	c.mu.Lock()
	c.idle = append(c.idle, conn)
	c.mu.Unlock()
}

// close closes the connections that no request uses.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.idle {
		_ = conn.Close()
	}
	c.idle = nil
}

// do sends one request and returns what became of it.
func (c *client) do(method, id string) string {
	out := c.try(method, id, false)
	if out == closedIdle && c.again && idempotent(method) {
		out = c.try(method, id, true)
	}
	return out
}

func (c *client) try(method, id string, fresh bool) string {
	conn, err := c.get(fresh)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return refused
		}
		return "cannot connect: " + cause(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	out, keep := conn.exchange(method, id)
	if keep {
		c.put(conn)
	} else {
		_ = conn.Close()
	}
	return out
}

// exchange sends a request and reads its answer. keep says that the connection
// may be used again.
func (conn *clientConn) exchange(method, id string) (out string, keep bool) {
	body := ""
	if method != http.MethodGet {
		body = "body of " + id
	}
	// What an early close does to the write shows in the read.
	_, _ = fmt.Fprintf(conn, "%s /item HTTP/1.1\r\nHost: faults.test\r\n%s: %s\r\n%s\r\n%s", method, idField, id, lengthOf(body), body)
	if _, err := conn.br.Peek(1); err != nil {
		switch {
		case isTimeout(err):
			return tooSlow, false
		case conn.used:
			return closedIdle, false
		}
		return noAnswer, false
	}
	r, err := http.ReadResponse(conn.br, &http.Request{Method: method})
	if err != nil {
		return "malformed answer: " + cause(err), false
	}
	text, err := io.ReadAll(r.Body)
	switch {
	case isTimeout(err):
		return tooSlow, false
	case err != nil:
		return cutShort, false
	case r.StatusCode != http.StatusOK:
		out = strings.TrimSpace("status " + r.Status)
	case string(text) != bodyTo(id):
		out = wrong
	default:
		out = well
	}
	return out, !r.Close
}

func lengthOf(body string) string {
	if body == "" {
		return ""
	}
	return fmt.Sprintf("Content-Length: %d\r\n", len(body))
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// cause is an error without the addresses that make each one different.
func cause(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}

// idempotent is what RFC 9110 section 9.2.2 says of the methods we use.
func idempotent(method string) bool { return method != http.MethodPost }
