//go:build linux

package server_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

func TestShutdownEndsWhatIsParked(t *testing.T) {
	e := parking(t, nil)
	kept, fresh := e.keeps(here, 1), e.dial(here)
	e.parks(2)
	begun := time.Now()
	if err := e.Shutdown(context.Background()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %v, with nothing under way", took)
	}
	if got := kept.rest() + fresh.rest(); got != "" {
		t.Errorf("parked connections were sent %q", got)
	}
	e.parks(0)
}

// TestShutdownAnswersParkedOnes: as with a connection that waits in a goroutine,
// a request that comes as the shutdown begins is served, and the last.
func TestShutdownAnswersParkedOnes(t *testing.T) {
	for i := range 6 {
		e := parking(t, nil)
		kept, fresh := e.keeps(here, 1), e.dial(here)
		e.parks(2)
		ended := make(chan error, 1)
		shutDown := func() { ended <- e.Shutdown(context.Background()) }
		if i%2 == 0 {
			go shutDown()
			within(t, "the listener is closed", func() bool { return len(e.Addresses()) == 0 })
		}
		kept.send(ask)
		fresh.send(ask)
		if i%2 != 0 {
			go shutDown()
		}
		kept.ok()
		fresh.ok()
		if got := kept.rest() + fresh.rest(); got != "" {
			t.Errorf("after the last answer came %q", got)
		}
		if err := <-ended; err != nil {
			t.Fatalf("shutdown: %v", err)
		}
	}
}

func TestShutdownCutsWhatIsParkedWhenItsTimeIsOver(t *testing.T) {
	e := parking(t, nil)
	p := e.keeps(here, 1)
	busy := e.dial(here).send(hold)
	<-e.begun
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(short))
	defer cancel()
	if err := e.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v", err)
	}
	_, _ = io.Copy(io.Discard, p.Conn)
	close(e.release)
	_, _ = io.Copy(io.Discard, busy.Conn)
	e.parks(0)
}

func TestRemovedListenerEndsWhatIsParked(t *testing.T) {
	e := newParkingEdge(t, atOnce, nil)
	e.use(limits(nil), here, there)
	stays := e.keeps(here, 1)
	kept := e.keeps(there, 2)
	asks := e.keeps(there, 3)
	fresh := e.dial(there)
	e.parks(4)
	e.use(limits(nil), here)
	asks.send(ask)
	if !asks.ok() {
		t.Error("the last answer does not say that the connection ends")
	}
	if got := kept.rest() + fresh.rest() + asks.rest(); got != "" {
		t.Errorf("they were sent %q", got)
	}
	e.parks(1)
	stays.send(ask).ok()
	e.parks(1)
}

func TestRemovedListenerCutsWhatIsParked(t *testing.T) {
	e := newParkingEdge(t, atOnce, nil)
	e.use(limits(nil), here, there)
	p := e.keeps(there, 1)
	e.use(limits(func(l *config.Limits) { l.DrainTimeout = 1 }), here)
	if got := p.rest(); got != "" {
		t.Errorf("it was sent %q", got)
	}
	e.parks(0)
}
