package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// origin is the application behind the proxies, as a process of its own: it says
// "ready", and then obeys lines on its standard input (see obey). Every request
// it reads is noted in a file before anything else is done, so that what was sent
// to it is known whatever becomes of it.
//
//	/healthz   always well
//	/ws        a WebSocket's handshake; what is sent comes back
//	/anything  an answer that depends on X-Id; see answerTo
type origin struct {
	notes  *os.File
	behave atomic.Pointer[behaviour]
}

// behaviour is how the origin is at one time.
type behaviour struct {
	mode  string
	share float64       // of the requests that it is so to
	delay time.Duration // of slow answers
	idle  string        // how long a connection is kept: a duration, "random", or empty for ever
	over  chan struct{} // closed when it is otherwise
}

// runOrigin is the role: arguments are the address, the file of notes, and the
// idle time.
func runOrigin(args []string) error {
	notes, err := os.OpenFile(args[1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	o := &origin{notes: notes}
	o.behave.Store(&behaviour{mode: "well", idle: args[2], over: make(chan struct{})})
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				continue
			}
			go o.serve(c.(*net.TCPConn))
		}
	}()
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(o.obey(strings.Fields(lines.Text())))
	}
	return nil
}

// obey takes "be MODE SHARE DELAY".
func (o *origin) obey(order []string) string {
	if len(order) != 4 || order[0] != "be" {
		return "what?"
	}
	share, err1 := strconv.ParseFloat(order[2], 64)
	delay, err2 := time.ParseDuration(order[3])
	if err := errors.Join(err1, err2); err != nil {
		return err.Error()
	}
	old := o.behave.Load()
	o.behave.Store(&behaviour{mode: order[1], share: share, delay: delay, idle: old.idle, over: make(chan struct{})})
	close(old.over)
	return "ok"
}

func (o *origin) serve(c *net.TCPConn) {
	defer func() { _ = c.Close() }()
	br := bufio.NewReader(c)
	for first := true; ; first = false {
		if !first && !o.wait(c, br) {
			return
		}
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if id := r.Header.Get(idField); id != "" {
			_, _ = fmt.Fprintf(o.notes, "%s %s\n", r.Method, id)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		switch {
		case r.URL.Path == "/healthz":
			_, err = io.WriteString(c, plain("200 OK", "well"))
		case r.URL.Path == "/ws":
			shake(c, br, r)
			return
		default:
			err = o.answer(c, r.Header.Get(idField))
		}
		if err != nil || r.Close {
			return
		}
	}
}

// wait waits for the next request, as long as connections are kept. The first of a
// connection may be as late as it likes.
func (o *origin) wait(c net.Conn, br *bufio.Reader) bool {
	idle := o.behave.Load().idle
	d, err := time.ParseDuration(idle)
	if idle == "random" {
		d, err = rand.N(200*time.Millisecond), nil
	}
	if err == nil {
		_ = c.SetReadDeadline(time.Now().Add(d))
	}
	_, err = br.Peek(1)
	_ = c.SetReadDeadline(time.Time{})
	return err == nil
}

var errCut = errors.New("cut on purpose")

// answer answers in the way the origin is told to, or not at all.
func (o *origin) answer(c *net.TCPConn, id string) error {
	good := answerTo(id)
	b := o.behave.Load()
	if b.share < 1 && rand.Float64() >= b.share {
		b = &behaviour{mode: "well"}
	}
	write := func(text string) error {
		_, err := io.WriteString(c, text)
		return err
	}
	head := strings.Index(good, "\r\n\r\n") + 4
	switch b.mode {
	case "slow":
		time.Sleep(b.delay)
	case "hang":
		<-b.over
		return errCut
	case "reset":
		return reset(c)
	case "half-head", "reset-head":
		_ = write(good[:head/2])
		if b.mode == "reset-head" {
			return reset(c)
		}
		return errCut
	case "half-body":
		_ = write(good[:head+(len(good)-head)/2])
		return errCut
	case "garbage":
		_ = write("\x16\x03\x01 this is no HTTP at all\r\n\x00\xff\r\n\r\n")
		return errCut
	case "503":
		return write(plain("503 Service Unavailable", "not now"))
	}
	return write(good)
}

// reset has the connection end with a reset, not in good order.
func reset(c *net.TCPConn) error {
	_ = c.SetLinger(0)
	return errCut
}

func plain(status, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// idField carries the name of a request, which no other has.
const idField = "X-Id"

const answerLength = 1 << 10

// answerTo is the one right answer to a request.
func answerTo(id string) string { return plain("200 OK", bodyTo(id)) }

func bodyTo(id string) string {
	return strings.Repeat(id+"\n", answerLength/(len(id)+1))
}

// shake takes a WebSocket's handshake, without its checks, and sends all bytes
// back until the client has gone.
func shake(c net.Conn, br *bufio.Reader, r *http.Request) {
	_, _ = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		r.Header.Get("Sec-WebSocket-Key"))
	_, _ = io.Copy(c, br)
}
