package proxy_test

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A: 1\r\nX-A: 2\r\nKeep-Alive: timeout=5\r\nDate: never\r\n\r\nhello"

func TestForwardsBytesAsTheyCame(t *testing.T) {
	heads := make(chan string, 10)
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			head, err := readHead(br)
			if err != nil {
				return
			}
			heads <- head
			if _, err := c.Write([]byte(hello)); err != nil {
				return
			}
		}
	})
	b := serve(t, to(addr))
	got := b.raw("GET /a%2Fb//c?x=&y HTTP/1.1\r\nhost: Example.COM:80\r\nb: 2\r\nA:1\r\nb:  3\r\nConnection: close, b2\r\nB2: x\r\nX-Forwarded-For: 6.6.6.6\r\nTE: trailers, deflate\r\n\r\n")
	want := "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A: 1\r\nX-A: 2\r\nDate: never\r\nConnection: close\r\n\r\nhello"
	if got != want {
		t.Errorf("response\n got %q\nwant %q", got, want)
	}
	head := <-heads
	wantHead := "GET /a%2Fb//c?x=&y HTTP/1.1\r\nhost: Example.COM:80\r\nb: 2\r\nA:1\r\nb:  3\r\nTE: trailers\r\nConnection: TE\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: Example.COM:80\r\nX-Forwarded-Proto: http\r\n\r\n"
	if head != wantHead {
		t.Errorf("request\n got %q\nwant %q", head, wantHead)
	}
}

func TestKeepsConnectionsOnBothSides(t *testing.T) {
	conns := make(chan struct{}, 100)
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		conns <- struct{}{}
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			if _, err := c.Write([]byte(hello)); err != nil {
				return
			}
		}
	})
	b := serve(t, to(addr))
	got := b.raw(strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 9) + "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if n := strings.Count(got, "hello"); n != 10 {
		t.Errorf("%d answers of 10: %q", n, got)
	}
	if n := len(conns); n != 1 {
		t.Errorf("%d connections to the origin, want 1", n)
	}
}
