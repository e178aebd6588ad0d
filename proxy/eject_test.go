package proxy_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTrafficEjectsByRatio: an origin that answers every other request with a 503,
// and never fails often in a row, is found by what its sibling does.
func TestTrafficEjectsByRatio(t *testing.T) {
	var asked atomic.Int64
	fickle := origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			answer := hello
			if asked.Add(1)%2 == 0 {
				answer = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	})
	b := serve(t, two(fickle, answering(t, hello), `"health": { "passive": { "statuses": "500-599", "window": "10m", "eject": "1h" } },`))
	t.Cleanup(b.proxy.Close)
	failed := 0
	for range 200 {
		if status, _ := b.get("/x"); status == 503 {
			failed++
		}
	}
	if failed < 10 || failed > 13 {
		t.Errorf("%d requests of 200 failed; want about half of twenty", failed)
	}
	if s := b.state(0, "ejected"); !strings.Contains(s.Why, "requests failed, of its siblings' 0 of 2") {
		t.Errorf("why: %q", s.Why)
	}
}

// TestTrialGetsOneRequest: an origin that comes back from an ejection and hangs has
// one client wait, and not each in its turn.
func TestTrialGetsOneRequest(t *testing.T) {
	var asked atomic.Int64
	release := make(chan struct{})
	hanging := origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil || asked.Add(1) == 1 {
			return // the first request fails
		}
		<-release
		_, _ = io.WriteString(c, hello)
	})
	good := answering(t, hello)
	b := serve(t, two(hanging, good, `"retry": { "attempts": 1 }, "health": { "passive": { "failures": 1, "eject": "50ms" } },`))
	t.Cleanup(b.proxy.Close)
	for asked.Load() == 0 {
		b.get("/x")
	}
	within(t, "the target is on trial", func() bool { return b.proxy.Generation().UpstreamList()[0].Targets[0].Trial })
	done := make(chan int, 1)
	go func() {
		for asked.Load() == 1 {
			b.get("/x")
		}
		done <- 1
	}()
	within(t, "a request is on trial", func() bool { return asked.Load() == 2 })
	for range 50 {
		if status, _ := b.get("/x"); status != 200 {
			t.Errorf("status %d", status)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("%d requests while one is on trial", n-1)
	}
	close(release)
	<-done
	within(t, "the trial is over", func() bool {
		s := b.proxy.Generation().UpstreamList()[0].Targets[0]
		return s.Usable && !s.Trial
	})
	b.get("/x")
	b.get("/x")
	if n := asked.Load(); n < 3 {
		t.Error("the target gets nothing after its trial")
	}
}
