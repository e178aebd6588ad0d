package proxy_test

import (
	"bufio"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// keeper is an origin that keeps connections, counts them, and can close all that
// it has, as one does that is restarted.
type keeper struct {
	mu    sync.Mutex
	open  map[net.Conn]bool
	conns atomic.Int64
}

func (k *keeper) serve(c net.Conn, br *bufio.Reader) {
	k.conns.Add(1)
	k.mu.Lock()
	k.open[c] = true
	k.mu.Unlock()
	defer func() { k.mu.Lock(); delete(k.open, c); k.mu.Unlock() }()
	for {
		if _, err := readHead(br); err != nil {
			return
		}
		_, _ = br.Discard(4)
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
			return
		}
	}
}

func (k *keeper) restart() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.open {
		_ = c.Close()
	}
}

// TestPOSTsDoNotDialForEver: under steady load, POSTs come to go over pooled
// connections, also where all of them are always busy, and again after the origin
// has closed those it had.
func TestPOSTsDoNotDialForEver(t *testing.T) {
	for _, most := range []string{"1", "2", "1024"} {
		t.Run("at most "+most, func(t *testing.T) {
			k := &keeper{open: map[net.Conn]bool{}}
			b := serve(t, replace(`{ LISTEN, "upstreams": { "u": { "connections": { "max": MAX, "queue_timeout": "10s" }, "timeouts": { "connect": "10s" },
				"targets": [ { "address": "ADDR" } ] } }, "routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`,
				"ADDR", origin(t, k.serve), "MAX", most))
			clients := make([]net.Conn, 8)
			for i := range clients {
				clients[i] = b.dial()
			}
			settles(t, "at first", k, clients)
			k.restart()
			settles(t, "after a restart", k, clients)
		})
	}
}

// settles sends POSTs from all clients until a round of them went almost entirely
// over connections that were there.
func settles(t *testing.T, when string, k *keeper, clients []net.Conn) {
	t.Helper()
	const each = 100
	lost := 0
	for round := range 100 {
		before := k.conns.Load()
		var bad atomic.Int64
		var running sync.WaitGroup
		for _, c := range clients {
			running.Go(func() {
				br := bufio.NewReader(c)
				for range each {
					_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
					if readAnswer(t, br) != 200 {
						bad.Add(1)
					}
				}
			})
		}
		running.Wait()
		lost += int(bad.Load())
		if made := k.conns.Load() - before; made < int64(each*len(clients)/20) {
			t.Logf("%s: settled after %d POSTs", when, round*each*len(clients))
			if lost > 0 {
				t.Errorf("%s: %d POSTs failed", when, lost)
			}
			return
		}
	}
	t.Errorf("%s: %d POSTs, and each needs a new connection still", when, 100*each*len(clients))
}
