package server_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

// serving returns how many goroutines serve connections or wait for one.
func serving() int {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return strings.Count(string(stacks), "(*Server).serveConn(")
}

// TestGoroutinesServeManyConnections has a goroutine that served a connection serve
// the next, on whatever listener, and end when none comes for long, or the server ends.
func TestGoroutinesServeManyConnections(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere fasthttp hands on all connections")
	}
	within(t, "those of other tests are gone", func() bool { return serving() == 0 })
	e := newEdge(t, nil)
	e.use(limits(nil), here, there)
	for _, address := range []string{here, there, here} {
		for range 20 {
			e.dial(address).send(last).ok()
			within(t, "the connection is closed", func() bool { return e.Open() == 0 })
		}
	}
	if n := serving(); n > 2 {
		t.Errorf("%d goroutines serve one connection after the other", n)
	}
	within(t, "no goroutine waits", func() bool { return serving() == 0 })
}

func TestGoroutinesThatWaitEndWithTheServer(t *testing.T) {
	e := newEdge(t, nil)
	e.use(limits(nil), here)
	var held []*peer
	for range 10 {
		held = append(held, e.dial(here).send(hold))
		<-e.begun
	}
	close(e.release)
	for _, p := range held {
		p.ok()
		_ = p.Close()
	}
	within(t, "all connections are closed", func() bool { return e.Open() == 0 })
	if err := e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	within(t, "no goroutine waits", func() bool { return serving() == 0 })
}

// TestConnectionsComeInBursts has more connections at once than there are goroutines
// that wait, more than one look at the poller tells, and more than there may be.
func TestConnectionsComeInBursts(t *testing.T) {
	e := newEdge(t, nil)
	e.use(limits(func(l *config.Limits) { l.Connections = 400 }), here)
	for round := range 3 {
		var peers []*peer
		for range 300 {
			peers = append(peers, e.dial(here))
		}
		within(t, fmt.Sprintf("round %d: all are open", round), func() bool { return e.Open() == 300 })
		for _, p := range peers {
			p.send(last)
		}
		for _, p := range peers {
			p.ok()
			if more := p.rest(); more != "" {
				t.Errorf("after the answer came %q", more)
			}
		}
		within(t, fmt.Sprintf("round %d: all are closed", round), func() bool { return e.Open() == 0 })
	}
}
