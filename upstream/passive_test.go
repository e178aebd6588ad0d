package upstream_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/upstream"
)

func TestEjection(t *testing.T) {
	inBubble(t, "abc", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(passive(3, 0.5), addresses...))
		w.fail(0, 2)
		w.are("up", "up", "up")
		w.fail(0, 1)
		w.are("ejected", "up", "up")
		w.told("target ejected a")
		w.picked(1, 2)
		if why := w.Targets[0].Health().Why; why != "3 failures in a row, the last: connect_failed; out for 10s" {
			t.Errorf("why: %q", why)
		}
		w.fail(1, 30) // half of three is one
		w.are("ejected", "up", "up")
		wait(10*time.Second - 1)
		w.are("ejected", "up", "up")
		wait(1)
		w.told("target up a")
		w.picked(0, 1, 2)
		w.fail(0, 1) // on trial
		w.told("target ejected a")
		wait(20*time.Second - 1)
		w.are("ejected", "up", "up")
		wait(1)
		w.are("up", "up", "up")
	})
}

// TestEjectionsGrowAndAreForgotten measures one ejection after the other.
func TestEjectionsGrowAndAreForgotten(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(passive(1, 1), addresses...))
		out := func() time.Duration {
			begun := time.Now()
			w.fail(0, 1)
			for w.Targets[0].Health().State == upstream.Ejected {
				wait(time.Second)
			}
			return time.Since(begun) / time.Second
		}
		var got []time.Duration
		for range 6 {
			got = append(got, out())
		}
		wait(101 * time.Second)
		got = append(got, out())
		if want := []time.Duration{10, 20, 40, 80, 100, 100, 10}; !slices.Equal(got, want) {
			t.Errorf("ejected for %d s, want %d", got, want)
		}
	})
}

func TestFailuresOutsideTheWindowDoNotEject(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(passive(3, 0.5), addresses...))
		for range 10 {
			w.fail(0, 1)
			wait(6 * time.Second)
		}
		w.are("up", "up")
		w.fail(0, 1)
		wait(3 * time.Second)
		w.fail(0, 1)
		w.are("ejected", "up")
	})
}

func TestHowManyMayBeEjected(t *testing.T) {
	for _, c := range []struct {
		names  string
		share  float64
		want   int
		backup bool
	}{
		{"a", 1, 0, false}, {"ab", 0.1, 1, false}, {"ab", 0.5, 1, false}, {"ab", 0.5, 1, true}, {"abc", 0.34, 1, false}, {"abc", 0.7, 2, false},
		{"abcdefghij", 0.3, 3, false}, {"abcd", 0.99, 3, false}, {"abc", 1, 3, false},
	} {
		t.Run(fmt.Sprint(c.names, c.share), func(t *testing.T) {
			w := newWard(t, definition(func(d *config.Upstream) {
				passive(2, c.share)(d)
				d.Targets[len(d.Targets)-1].Backup = c.backup
			}, letters(t, c.names)...))
			ejected := 0
			for i, target := range w.Targets {
				w.fail(i, 2)
				if target.Health().State == upstream.Ejected {
					ejected++
				}
			}
			if ejected != c.want {
				t.Errorf("%d are ejected, want %d", ejected, c.want)
			}
			if open := w.FailingOpen(); open != (c.want == len(c.names)) {
				t.Errorf("failing open: %v", open)
			}
			if len(w.picks()) == 0 {
				t.Error("nothing is picked")
			}
		})
	}
}

// TestFailingOpen ejects every target, backup included: primaries are picked
// again, and the backup when they have been tried.
func TestFailingOpen(t *testing.T) {
	addresses := letters(t, "abc")
	addresses[1] = tcpOrigin(t, answering(hello))
	w := newWard(t, definition(func(d *config.Upstream) {
		passive(1, 1)(d)
		d.Targets[2].Backup = true
	}, addresses...))
	b := w.Targets[1]
	fault(t, w, b)
	w.fail(2, 1)
	w.picked(0)
	w.fail(0, 1)
	w.are("ejected", "ejected", "ejected")
	w.picked(0, 1)
	if !w.FailingOpen() {
		t.Error("not failing open")
	}
	var tried lb.Tried
	tried.Add(w.Targets[0].Node)
	tried.Add(b.Node)
	if w.Pick(0, 0, &tried) != w.Targets[2] {
		t.Error("the backup is not picked")
	}
	w.mu.Lock()
	w.events = nil
	w.mu.Unlock()
	good(t, w, b)
	w.are("ejected", "up", "ejected")
	w.picked(1)
	w.told("target up "+b.Address, "a target is usable again; requests go to none that is not")
}

// fault opens a trip and has it fail as if the target had closed early.
func fault(t *testing.T, w *ward, target *upstream.Target) {
	t.Helper()
	finish(t, w, target, upstream.Outcome{Reason: exchange.UpstreamMalformed, Failed: true})
}

func good(t *testing.T, w *ward, target *upstream.Target) {
	t.Helper()
	finish(t, w, target, upstream.Outcome{})
}

func finish(t *testing.T, w *ward, target *upstream.Target, o upstream.Outcome) {
	t.Helper()
	var trip upstream.Trip
	if err := trip.Open(target, w.Pool, upstream.ReuseAny, time.Now(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	o.Now = time.Now()
	trip.End(false, o)
}

// TestWhatCountsAsAFailure ends attempts in every way there is.
func TestWhatCountsAsAFailure(t *testing.T) {
	addr := tcpOrigin(t, answering(hello))
	counts := map[string]bool{
		"response_timeout": true, "request_timeout": true, "upstream_closed": true, "upstream_malformed": true,
		"response_truncated": true, "connect_failed": true, "connect_timeout": true,
	}
	for _, reason := range exchange.Reasons() {
		t.Run(reason.String(), func(t *testing.T) {
			w := newWard(t, definition(passive(2, 1), append(letters(t, "b"), addr)...))
			for range 2 {
				finish(t, w, w.Targets[1], upstream.Outcome{Reason: reason, Failed: true})
			}
			if got := w.Targets[1].Health().State == upstream.Ejected; got != counts[reason.String()] {
				t.Errorf("ejected: %v", got)
			}
		})
	}
}

// TestSuccessEndsARun: failures with an answer in between are no run, but only if
// that attempt began after the first of them.
func TestSuccessEndsARun(t *testing.T) {
	w := newWard(t, definition(passive(2, 1), append(letters(t, "b"), tcpOrigin(t, answering(hello)))...))
	target := w.Targets[1]
	for range 5 {
		fault(t, w, target)
		good(t, w, target)
	}
	w.are("up", "up")
	var early upstream.Trip
	if err := early.Open(target, w.Pool, upstream.ReuseAny, time.Now(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	fault(t, w, target)
	end(&early, false)
	fault(t, w, target)
	w.are("up", "ejected")
}

// TestStaleConnectionsAreNoFailure: the usual race with an idle timeout.
func TestStaleConnectionsAreNoFailure(t *testing.T) {
	w := newWard(t, definition(passive(1, 1), tcpOrigin(t, answering(hello)), letters(t, "b")[0]))
	(&bed{t: t, Pool: w.Pool}).wantHello()
	target := w.Targets[0]
	finish(t, w, target, upstream.Outcome{Reason: exchange.UpstreamClosed, Failed: true})
	w.are("up", "up")
	finish(t, w, target, upstream.Outcome{Reason: exchange.UpstreamClosed, Failed: true})
	w.are("ejected", "up")
}
