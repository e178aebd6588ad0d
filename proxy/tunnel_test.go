package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

// parrot is an origin that switches to WebSocket and then repeats what it is sent.
func parrot(t testing.TB) string {
	return origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(c, br)
	})
}

// tunnel opens one and returns how to send a word over it and see it come back.
func (b *bed) tunnel() (c net.Conn, say func(word string) error) {
	b.t.Helper()
	c = b.dial()
	br := bufio.NewReader(c)
	_, _ = io.WriteString(c, upgrade)
	head, err := readHead(br)
	if err != nil || !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		b.t.Fatalf("no tunnel: %q %v", head, err)
	}
	return c, func(word string) error {
		if _, err := io.WriteString(c, word); err != nil {
			return err
		}
		got := make([]byte, len(word))
		if _, err := io.ReadFull(br, got); err != nil {
			return err
		}
		if string(got) != word {
			return fmt.Errorf("got %q, want %q", got, word)
		}
		return nil
	}
}

// TestTunnelsSurviveReloads edits another upstream, the tunnels' own, and in the
// end takes that away with its route: who is through stays through.
func TestTunnelsSurviveReloads(t *testing.T) {
	const config = `{ LISTEN, "upstreams": { OTHER "u": { "slow_start": "NUMs", "targets": [ { "address": "ADDR" } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`
	addr := parrot(t)
	text := func(other, number string) string { return replace(config, "OTHER", other, "NUM", number, "ADDR", addr) }
	b := serve(t, text("", "1"))
	var all []func(string) error
	for range 20 {
		_, say := b.tunnel()
		if err := say("hello"); err != nil {
			t.Fatal(err)
		}
		all = append(all, say)
	}
	if n := b.proxy.Tunnels(); n != 20 {
		t.Errorf("%d tunnels are counted, want 20", n)
	}
	edits := []string{
		text(`"o": { "targets": [ { "address": "127.0.0.1:1" } ] },`, "1"),
		text(`"o": { "targets": [ { "address": "127.0.0.1:2" } ] },`, "1"),
		text("", "2"),
		`{ LISTEN, "routes": [ { "name": "none", "path": "/*", "respond": {} } ] }`,
	}
	for round := range 12 {
		b.reload(edits[min(round%3+round/11*3, 3)])
		for i, say := range all {
			if err := say(fmt.Sprintf("word %d", round)); err != nil {
				t.Fatalf("tunnel %d after reload %d: %v", i, round, err)
			}
		}
	}
}

// TestTunnelsEndWithTheDrain: a shutdown waits for tunnels as long as it may, and
// then cuts them off.
func TestTunnelsEndWithTheDrain(t *testing.T) {
	b := serve(t, to(parrot(t)))
	_, ends := b.tunnel()
	c, stays := b.tunnel()
	first, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- b.server.Shutdown(first) }()
	if err := ends("still here"); err != nil && first.Err() == nil {
		t.Errorf("cut before the drain's time was over: %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the shutdown did not wait for the tunnels")
	}
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("a tunnel was not cut: %v", err)
	}
	if stays("gone") == nil {
		t.Error("a tunnel works on after the drain")
	}
}

// TestTunnelsHalfClose: an end in one direction is told, and the other goes on.
func TestTunnelsHalfClose(t *testing.T) {
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly ")
		all, _ := io.ReadAll(br)
		_, _ = fmt.Fprintf(c, "got %s", all)
	})
	b := serve(t, to(addr))
	c := b.dial()
	_, _ = io.WriteString(c, upgrade+"words")
	_ = c.(*net.TCPConn).CloseWrite()
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(all), "\r\n\r\nearly got words") {
		t.Errorf("%q, %v", all, err)
	}
	within(t, "no tunnel is counted any more", func() bool { return b.proxy.Tunnels() == 0 })
}
