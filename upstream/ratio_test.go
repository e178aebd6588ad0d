package upstream_test

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

// ratio has failures in a row matter little, and their share much.
func ratio(share float64, requests int) func(*config.Upstream) {
	return func(d *config.Upstream) {
		passive(1000, 0.5)(d)
		d.Health.Passive.Ratio, d.Health.Passive.RatioRequests = share, requests
	}
}

// mix has n requests to a target end well, and every one that a divisor divides
// fail, as long as the target is not ejected. It returns how many there were.
func (w *ward) mix(target, n, every int) int {
	w.t.Helper()
	for i := 1; i <= n; i++ {
		if every > 0 && i%every == 0 {
			w.fail(target, 1)
		} else {
			w.Targets[target].Node.Start()
			w.Targets[target].Node.Done(upstream.Clock(time.Now()), int64(time.Millisecond), true)
		}
		if w.Targets[target].Health().State == upstream.Ejected {
			return i
		}
	}
	return n
}

func TestFailureRatio(t *testing.T) {
	cases := []struct {
		name     string
		share    float64
		requests int
		others   int // every how many requests of each of the others fail
		own      int // and of the target itself
		ejected  bool
	}{
		{"half against none", 0.3, 20, 0, 2, true},
		{"a third against none", 0.3, 20, 0, 3, true},
		{"a quarter against none", 0.3, 20, 0, 4, false},
		{"half against half", 0.3, 20, 2, 2, false},
		{"half against a tenth", 0.3, 20, 10, 2, true},
		{"half against a quarter", 0.3, 20, 4, 2, false},
		{"too few requests", 0.3, 500, 0, 2, false},
		{"turned off", 0, 20, 0, 2, false},
		{"all against half", 0.5, 20, 2, 1, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, "abc", func(t *testing.T, addresses []string) {
				w := newWard(t, definition(ratio(c.share, c.requests), addresses...))
				w.fail(2, 1) // begins the count
				w.mix(0, 100, c.others)
				w.mix(1, 100, c.others)
				w.mix(2, 100, c.own)
				if got := w.Targets[2].Health().State == upstream.Ejected; got != c.ejected {
					t.Errorf("ejected: %v; %s", got, w.Targets[2].Health().Why)
				}
			})
		})
	}
}

// TestRatioTells looks at the numbers, and at what comes after the ejection.
func TestRatioTells(t *testing.T) {
	inBubble(t, "abc", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(ratio(0.3, 20), addresses...))
		w.fail(2, 1)
		w.mix(0, 30, 10)
		w.mix(1, 30, 0)
		if n := w.mix(2, 100, 2); n != 20 {
			t.Errorf("ejected by request %d, want 20", n)
		}
		const why = "10 of 20 requests failed, of its siblings' 3 of 60, the last: connect_failed; out for 10s"
		if got := w.Targets[2].Health().Why; got != why {
			t.Errorf("why: %q, want %q", got, why)
		}
		w.told("target ejected c")
		wait(10 * time.Second)
		w.answer(2)
		w.are("up", "up", "up")
		if n := w.mix(2, 19, 2); n != 19 { // what was before is forgotten
			t.Errorf("ejected again by request %d", n)
		}
	})
}

// answer has a request to a target answered that was picked for it.
func (w *ward) answer(target int) {
	w.t.Helper()
	w.Targets[target].Answered()
}

// TestRatioWindow: what is older than the window does not count.
func TestRatioWindow(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(ratio(0.3, 20), addresses...))
		for range 50 {
			w.mix(0, 100, 0)
			w.fail(1, 1) // one in a hundred, a second and more
			w.mix(1, 9, 0)
			wait(1100 * time.Millisecond)
		}
		w.fail(1, 9)
		w.mix(1, 8, 0)
		w.are("up", "up")
		wait(11 * time.Second)
		w.mix(0, 100, 0)
		w.fail(1, 10)
		w.are("up", "up") // ten requests are not twenty
		w.mix(0, 100, 0)
		w.mix(1, 12, 2)
		w.are("up", "ejected")
	})
}

// TestRatioNeedsSiblings: who has nobody to be compared with is not ejected.
func TestRatioNeedsSiblings(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(ratio(0.3, 20), addresses...))
		w.mix(1, 500, 2)
		w.mix(0, 18, 0)
		w.mix(1, 500, 2)
		w.are("up", "up")
		w.mix(0, 2, 0)
		w.mix(1, 2, 2)
		w.are("up", "ejected")
	})
}

// TestStatusesAreFailures over real connections.
func TestStatusesAreFailures(t *testing.T) {
	const teapot = "HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nhello"
	for _, c := range []struct {
		statuses string
		ejected  bool
	}{{"", false}, {"500-599", true}, {"503", true}, {"500-502,504", false}} {
		w := newWard(t, definition(func(d *config.Upstream) {
			passive(3, 0.5)(d)
			d.Health.Passive.Statuses = c.statuses
		}, tcpOrigin(t, answering(teapot)), letters(t, "b")[0]))
		b := &bed{t: t, Pool: w.Pool}
		for range 3 {
			b.wantHello()
		}
		health := w.Targets[0].Health()
		if got := health.State == upstream.Ejected; got != c.ejected {
			t.Errorf("statuses %q: ejected %v: %s", c.statuses, got, health.Why)
		}
		if c.ejected && health.Why != "3 failures in a row, the last: upstream_status; out for 10s" {
			t.Errorf("why: %q", health.Why)
		}
	}
}

// TestRetriedStatus: a status that was to be tried again for counts if it is one of
// health.passive.statuses, and only then.
func TestRetriedStatus(t *testing.T) {
	for _, statuses := range []string{"", "200"} {
		w := newWard(t, definition(func(d *config.Upstream) {
			passive(1, 0.5)(d)
			d.Health.Passive.Statuses = statuses
		}, tcpOrigin(t, answering(hello)), letters(t, "b")[0]))
		var trip upstream.Trip
		b := &bed{t: t, Pool: w.Pool}
		if err := b.open(&trip); err != nil {
			t.Fatal(err)
		}
		if err := b.ask(&trip, get); err != nil {
			t.Fatal(err)
		}
		trip.End(false, upstream.Outcome{Now: time.Now(), Reason: exchange.UpstreamStatus, Failed: true})
		if got, want := w.Targets[0].Health().State == upstream.Ejected, statuses != ""; got != want {
			t.Errorf("statuses %q: ejected %v", statuses, got)
		}
	}
}
