package upstream_test

import (
	"bufio"
	"net"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/upstream"
)

func (w *ward) drain(target int, on bool) {
	w.t.Helper()
	if !w.Targets[target].Drain(on) {
		w.t.Errorf("draining target %d: %v changed nothing", target, on)
	}
	if got, since := w.Targets[target].Drained(); got != on || since.IsZero() == on {
		w.t.Errorf("drained: %v since %v, want %v", got, since, on)
	}
}

func TestDrain(t *testing.T) {
	w := newWard(t, definition(nil, letters(t, "abc")...))
	w.drain(1, true)
	w.picked(0, 2)
	w.are("up", "up", "up") // its health is another matter
	if w.Targets[1].Drain(true) {
		t.Error("drained twice")
	}
	w.told("target drained b")
	w.drain(1, false)
	w.picked(0, 1, 2)
	if w.Targets[1].Drain(false) {
		t.Error("no longer drained, twice")
	}
	w.told("target no longer drained b")
}

// TestDrainStaysOverReloads: with the address, whatever else is edited.
func TestDrainStaysOverReloads(t *testing.T) {
	addresses := letters(t, "abc")
	w := newWard(t, definition(nil, addresses...))
	w.drain(0, true)
	_, since := w.Targets[0].Drained()
	for _, edit := range []func(*config.Upstream){
		func(d *config.Upstream) { d.Balance = "random" },
		func(d *config.Upstream) { d.Connections.Max = 3; d.Targets[0].Weight = 7 },
		passive(1, 0.5),
	} {
		w.reload(definition(edit, addresses...))
		w.picked(1, 2)
		if on, at := w.Targets[0].Drained(); !on || at != since {
			t.Errorf("after a reload: drained %v since %v", on, at)
		}
	}
	w.reload(definition(nil, addresses[1:]...))
	w.reload(definition(nil, addresses...))
	w.picked(0, 1, 2) // gone means forgotten
}

// TestDrainedIsNotFailedOpenTo, unless there is nothing else.
func TestDrainedIsNotFailedOpenTo(t *testing.T) {
	w := newWard(t, definition(passive(1, 1), letters(t, "abc")...))
	w.drain(0, true)
	w.fail(1, 1)
	w.picked(2)
	w.fail(2, 1)
	w.are("up", "ejected", "ejected")
	w.picked(1, 2)
	if !w.FailingOpen() {
		t.Error("not failing open")
	}
	w.told("target drained a", "target ejected b", "target ejected c", "no target is usable; requests go to all of them")
	w.drain(1, true)
	w.picked(2)
	w.drain(2, true)
	w.picked(0, 1, 2)
	if !w.FailingOpen() {
		t.Error("not failing open with all drained")
	}
	w.drain(0, false)
	w.picked(0)
	if w.FailingOpen() {
		t.Error("failing open with one to use")
	}
}

// TestDrainedCountsAsOut: ejections leave as many targets as without drains.
func TestDrainedCountsAsOut(t *testing.T) {
	w := newWard(t, definition(passive(1, 0.5), letters(t, "abcd")...))
	w.drain(0, true)
	w.drain(1, true)
	w.fail(2, 5)
	w.are("up", "up", "up", "up")
	w.picked(2, 3)
}

func TestDrainedBackup(t *testing.T) {
	w := newWard(t, definition(func(d *config.Upstream) { d.Targets[1].Backup = true }, letters(t, "ab")...))
	w.picked(0)
	w.drain(0, true)
	w.picked(1)
	w.drain(1, true)
	w.picked(0)
}

func TestUndrainedStartsSlowly(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(func(d *config.Upstream) { d.SlowStart = config.Duration(100 * time.Second) }, addresses...))
		w.drain(0, true)
		w.are("up", "up")
		wait(time.Hour)
		w.drain(0, false)
		w.are("slow_start", "up")
		w.shareIs(0, 0.05)
		if why := w.Targets[0].Health().Why; why != "it is no longer drained" {
			t.Errorf("why: %s", why)
		}
		wait(101 * time.Second)
		w.are("up", "up")
		w.told("target drained a", "target no longer drained a")
	})
}

// TestDrainLetsRequestsEnd: what is under way is not cut.
func TestDrainLetsRequestsEnd(t *testing.T) {
	answer := make(chan struct{})
	b := pool(t, definition(nil, tcpOrigin(t, func(c net.Conn, br *bufio.Reader) {
		if request(br) {
			<-answer
			_, _ = c.Write([]byte(hello))
		}
	})), nil, nil)
	b.Start()
	t.Cleanup(b.Stop)
	var trip upstream.Trip
	if err := b.open(&trip); err != nil {
		t.Fatal(err)
	}
	b.Targets[0].Drain(true)
	close(answer)
	if err := b.ask(&trip, get); err != nil {
		t.Fatal(err)
	}
	if text, err := body(&trip); err != nil || text != "hello" {
		t.Errorf("answered %q, %v", text, err)
	}
	end(&trip, true)
}
