package server_test

import (
	"context"
	"testing"
	"time"
)

// TestRoom: clients over the bound wait, and are served as soon as others leave.
func TestRoom(t *testing.T) {
	e := serve(t, nil, nil)
	e.SetRoom(3)
	var inside []*peer
	for range 3 {
		c := e.dial(here).send(ask)
		c.ok()
		inside = append(inside, c)
	}
	var waiting []*peer
	for range 4 {
		waiting = append(waiting, e.dial(here).send(ask))
	}
	within(t, "accepting is held back", func() bool { _, held := e.Room(); return held == 1 })
	if n := e.Open(); n != 3 {
		t.Errorf("%d connections open, want 3", n)
	}
	for _, c := range inside {
		c.send(ask).ok()
		_ = c.Close()
	}
	for _, c := range waiting {
		c.ok()
		_ = c.Close()
	}
	within(t, "all are closed", func() bool { return e.Open() == 0 })
	if got := e.refusals(); len(got) != 0 {
		t.Errorf("refusals %q", got)
	}
	e.dial(here).send(ask).ok()
}

// TestRoomGrows: a bound that is lifted lets in who waits.
func TestRoomGrows(t *testing.T) {
	e := serve(t, nil, nil)
	e.SetRoom(1)
	e.dial(here).send(ask).ok()
	next := e.dial(here).send(ask)
	within(t, "accepting is held back", func() bool { _, held := e.Room(); return held == 1 })
	e.SetRoom(0)
	next.ok()
}

// TestRoomAndEnds: a listener that is held back can still be retired and shut
// down, and another engine take its place.
func TestRoomAndEnds(t *testing.T) {
	e := serve(t, nil, nil)
	e.SetRoom(1)
	e.dial(here).send(ask).ok()
	within(t, "accepting is held back", func() bool { _, held := e.Room(); return held == 1 })
	big := limits(nil)
	big.HeaderBytes *= 2
	e.use(big, here)
	e.use(big, there)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := e.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}
