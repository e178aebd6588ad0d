package upstream_test

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

// TestQueue has one connection and lets others wait for it.
func TestQueue(t *testing.T) {
	def := definition(func(d *config.Upstream) {
		d.Connections.Max, d.Connections.Queue = 1, 1
	}, tcpOrigin(t, answering(hello)))
	b := pool(t, def, nil, nil)
	var holder upstream.Trip
	if err := b.open(&holder); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := b.get()
		waited <- err
	}()
	within(t, "a request waits", func() bool { return b.Targets[0].Node.InFlight() == 2 })
	f := wantFailure(t, b.open(&upstream.Trip{}), exchange.QueueFull)
	if !f.Unsent {
		t.Error("the request is taken for sent")
	}
	if err := b.ask(&holder, get); err != nil {
		t.Fatal(err)
	}
	_, _ = body(&holder)
	select {
	case err := <-waited:
		t.Fatalf("the waiting request ended with %v before a connection was free", err)
	default:
	}
	end(&holder, true)
	if err := <-waited; err != nil {
		t.Errorf("the waiting request: %v", err)
	}
	if _, made := b.w.dials(); made != 1 {
		t.Errorf("%d connections, want 1", made)
	}
	if n := b.Targets[0].Node.InFlight(); n != 0 {
		t.Errorf("%d requests in flight, want 0", n)
	}
}

// TestQueueGoesOnWhenAConnectionDies: the waiting request gets a new one.
func TestQueueGoesOnWhenAConnectionDies(t *testing.T) {
	def := definition(func(d *config.Upstream) { d.Connections.Max = 1 }, tcpOrigin(t, answering(hello)))
	b := pool(t, def, nil, nil)
	var holder upstream.Trip
	if err := b.open(&holder); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := b.get()
		waited <- err
	}()
	within(t, "a request waits", func() bool { return b.Targets[0].Node.InFlight() == 2 })
	end(&holder, false)
	if err := <-waited; err != nil {
		t.Errorf("the waiting request: %v", err)
	}
}

func TestQueueTimeout(t *testing.T) {
	const limit = 50 * time.Millisecond
	for _, c := range []struct {
		name  string
		queue time.Duration
		left  time.Duration // of the whole request; 0 for no limit
	}{{"queue_timeout", limit, 0}, {"the request's own", 10 * time.Second, limit}} {
		def := definition(func(d *config.Upstream) {
			d.Connections.Max, d.Connections.QueueTimeout = 1, config.Duration(c.queue)
		}, tcpOrigin(t, answering(hello)))
		b := pool(t, def, nil, nil)
		var holder upstream.Trip
		if err := b.open(&holder); err != nil {
			t.Fatal(err)
		}
		begun, until := time.Now(), time.Time{}
		if c.left > 0 {
			until = begun.Add(c.left)
		}
		var trip upstream.Trip
		wantFailure(t, trip.Open(b.Targets[0], b.Pool, upstream.ReuseAny, begun, until), exchange.QueueTimeout)
		if took := time.Since(begun); took < limit || took > 9*time.Second {
			t.Errorf("%s: gave up after %v, want about %v", c.name, took, limit)
		}
		end(&holder, false)
		b.wantHello()
	}
}

func TestNoQueue(t *testing.T) {
	def := definition(func(d *config.Upstream) {
		d.Connections.Max, d.Connections.QueueTimeout = 1, 0
	}, tcpOrigin(t, answering(hello)))
	b := pool(t, def, nil, nil)
	var holder upstream.Trip
	if err := b.open(&holder); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, b.open(&upstream.Trip{}), exchange.QueueFull)
	end(&holder, false)
	b.wantHello()
}

// TestQueueOfANewTarget: requests that are still under way on the connections of
// the target before do not count.
func TestQueueOfANewTarget(t *testing.T) {
	addr := tcpOrigin(t, answering(hello))
	before := pool(t, definition(nil, addr), nil, nil)
	var trips [8]upstream.Trip
	for i := range trips {
		if err := before.open(&trips[i]); err != nil {
			t.Fatal(err)
		}
	}
	after := pool(t, definition(func(d *config.Upstream) {
		d.Connections.Max, d.Connections.Queue = 1, 1
	}, addr), before.Pool, nil)
	after.wantHello()
	for i := range trips {
		end(&trips[i], false)
	}
	if n := after.Targets[0].Node.InFlight(); n != 0 {
		t.Errorf("%d requests in flight, want 0", n)
	}
}
