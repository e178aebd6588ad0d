package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// badOrigin answers wrongly, in the way that the path's last segment names.
type badOrigin struct{ net.Listener }

func startBad() (*badOrigin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go misbehave(c)
		}
	}()
	return &badOrigin{l}, nil
}

func (b *badOrigin) address() string { return b.Addr().String() }
func (b *badOrigin) close()          { _ = b.Close() }

// badBody is the length of the bodies that bad origins announce.
const badBody = 3000

// manner is a way to answer wrongly.
type manner struct {
	name string
	// whole says that the client must get the right answer nevertheless; without
	// it the client must get a 5xx, or see that the answer is cut short.
	whole bool
	// stays says that the origin keeps the connection for further requests.
	stays bool
	// answer writes the answer: head is a status line and fields without the
	// final empty line, body is what should follow.
	answer func(c net.Conn, head, body string)
}

// write makes a manner of a template in which HEAD, BODY and HALF stand for
// what a right answer has.
func write(template string) func(net.Conn, string, string) {
	return func(c net.Conn, head, body string) {
		_, _ = io.WriteString(c, strings.NewReplacer("HEAD", head, "BODY", body, "HALF", body[:len(body)/2]).Replace(template))
	}
}

const stray = "HTTP/1.1 200 OK\r\nX-Tag: stray\r\nContent-Length: 5\r\n\r\nstray"

var manners = []manner{
	{name: "interim", whole: true, stays: true, answer: write(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 5) + "HEADContent-Length: 3000\r\n\r\nBODY")},
	{name: "twice", whole: true, stays: true, answer: write("HEADContent-Length: 3000\r\n\r\nBODY" + stray)},
	{name: "twice-chunked", whole: true, stays: true, answer: write("HEADTransfer-Encoding: chunked\r\n\r\nbb8\r\nBODY\r\n0\r\n\r\n" + stray)},
	{name: "closing", whole: true, answer: write("HEADConnection: close\r\n\r\nBODY")},
	{name: "flood-of-interim", answer: write(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 500) + "HEADContent-Length: 3000\r\n\r\nBODY")},
	{name: "truncated", answer: write("HEADContent-Length: 3000\r\n\r\nHALF")},
	{name: "truncated-chunk", answer: write("HEADTransfer-Encoding: chunked\r\n\r\nbb8\r\nHALF")},
	{name: "no-last-chunk", answer: write("HEADTransfer-Encoding: chunked\r\n\r\nbb8\r\nBODY\r\n")},
	{name: "bad-chunk", answer: write("HEADTransfer-Encoding: chunked\r\n\r\n-1\r\nBODY\r\n0\r\n\r\n")},
	{name: "reset", answer: func(c net.Conn, head, body string) {
		_, _ = io.WriteString(c, head+"Connection: close\r\n\r\n"+body[:len(body)/2])
		_ = c.(*net.TCPConn).SetLinger(0)
	}},
	{name: "nothing", answer: write("")},
	{name: "half-a-head", answer: write("HEADContent-Le")},
	{name: "garbage", answer: write("\x00\x01\x02 what is this\r\n\r\n\r\n")},
	{name: "two-lengths", answer: write("HEADContent-Length: 3000\r\nContent-Length: 10\r\n\r\nBODY")},
	{name: "bare-lf", answer: write("HTTP/1.1 200 OK\nContent-Length: 3000\n\nBODY")},
	{name: "huge-head", answer: func(c net.Conn, head, _ string) {
		for i := 0; i < 4096; i++ {
			if _, err := fmt.Fprintf(c, "%sX-%d: %s\r\n", head, i, strings.Repeat("h", 1000)); err != nil {
				return
			}
			head = ""
		}
	}},
	{name: "switching", answer: write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nBODY")},
	{name: "silent", answer: func(c net.Conn, _, _ string) { await(c) }},
	{name: "stalls", answer: func(c net.Conn, head, body string) {
		_, _ = io.WriteString(c, head+"Content-Length: 3000\r\n\r\n"+body[:len(body)/2])
		await(c)
	}},
	{name: "drips", answer: func(c net.Conn, head, _ string) {
		for _, b := range []byte(head + strings.Repeat("X-Slow: drip\r\n", 100)) {
			time.Sleep(50 * time.Millisecond)
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
		}
	}},
}

// await returns when the other side has closed.
func await(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// misbehave answers the requests of one connection as they ask for.
func misbehave(c net.Conn) {
	defer func() { _ = c.Close() }()
	br := bufio.NewReader(c)
	for {
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		tag := req.Header.Get(tagField)
		for _, m := range manners {
			if req.URL.Path != "/bad/"+m.name {
				continue
			}
			if m.stays {
				if _, err := io.Copy(io.Discard, req.Body); err != nil {
					return
				}
			}
			m.answer(c, "HTTP/1.1 200 OK\r\n"+tagField+": "+tag+"\r\n", pattern(tag, badBody))
			if !m.stays {
				return
			}
		}
	}
}
