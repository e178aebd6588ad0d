package proxy_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestClientThatLeavesStopsTheTarget: a client closes while the origin is silent;
// the origin sees its connection closed long before any timeout.
func TestClientThatLeavesStopsTheTarget(t *testing.T) {
	asked, left := make(chan struct{}), make(chan struct{})
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			return
		}
		close(asked)
		_, _ = br.ReadByte()
		close(left)
	})
	b := serve(t, to(addr))
	c := b.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-asked
	_ = c.Close()
	select {
	case <-left:
	case <-time.After(15 * time.Second):
		t.Error("the origin works on for a client that has left")
	}
}

// TestHalfClosedClientIsAnswered: a client ends its sending and waits; it is
// answered however long that takes.
func TestHalfClosedClientIsAnswered(t *testing.T) {
	answer := make(chan struct{})
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err == nil {
			<-answer
			_, _ = io.WriteString(c, hello)
		}
	})
	b := serve(t, to(addr))
	c := b.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = c.(*net.TCPConn).CloseWrite()
	br := bufio.NewReader(c)
	// Past the first look at the client, which shows in the interim response.
	line, err := br.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 102 ") {
		t.Fatalf("got %q, %v; want an interim response", line, err)
	}
	close(answer)
	rest, _ := io.ReadAll(br)
	if !strings.HasSuffix(string(rest), "\r\n\r\nhello") {
		t.Errorf("got %q", rest)
	}
}
