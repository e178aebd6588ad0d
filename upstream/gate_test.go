package upstream_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/upstream"
)

func limited(c config.Concurrency, edits ...func(*config.Upstream)) func(*config.Upstream) {
	return func(d *config.Upstream) {
		d.Concurrency = c
		for _, edit := range edits {
			edit(d)
		}
	}
}

// call is a request that picks in a goroutine of its own.
type call struct {
	trip   upstream.Trip
	target *upstream.Target
	reason exchange.Reason
	done   atomic.Bool
}

// call starts a request; it is done unless it waits.
func (w *ward) call(wish upstream.Wish) *call {
	c := &call{}
	wish.Now = time.Now()
	pool := w.Pool
	go func() {
		c.target, c.reason = c.trip.Pick(pool, wish)
		c.done.Store(true)
	}()
	synctest.Wait()
	return c
}

func (w *ward) calls(n int) (all []*call) {
	for range n {
		all = append(all, w.call(upstream.Wish{}))
	}
	return all
}

// outcomes tells what became of calls: waiting, ok, or why there is no target.
func outcomes(calls ...*call) (got []string) {
	for _, c := range calls {
		switch {
		case !c.done.Load():
			got = append(got, "waiting")
		case c.target != nil:
			got = append(got, "ok")
		default:
			got = append(got, c.reason.String())
		}
	}
	return got
}

func wantCalls(t *testing.T, calls []*call, want ...string) {
	t.Helper()
	if got := outcomes(calls...); !slices.Equal(got, want) {
		t.Errorf("calls: %q, want %q", got, want)
	}
}

// hangUp ends a call.
func hangUp(c *call) {
	c.trip.Drop()
	synctest.Wait()
}

func (w *ward) load(inFlight, waiting int64) {
	w.t.Helper()
	if l := w.Load(); l.InFlight != inFlight || l.Waiting != waiting {
		w.t.Errorf("%d in flight and %d waiting, want %d and %d", l.InFlight, l.Waiting, inFlight, waiting)
	}
}

const second = config.Duration(time.Second)

func TestConcurrencyMax(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(limited(config.Concurrency{Max: 2, Queue: 2, QueueTimeout: second}), addresses...))
		calls := w.calls(5)
		wantCalls(t, calls, "ok", "ok", "waiting", "waiting", "concurrency_full")
		w.load(2, 2)
		hangUp(calls[1])
		wantCalls(t, calls[2:4], "ok", "waiting") // in their order
		late := w.call(upstream.Wish{})
		hangUp(calls[0])
		wantCalls(t, []*call{calls[3], late}, "ok", "waiting")
		wait(time.Second - 1)
		wantCalls(t, []*call{late}, "waiting")
		wait(1)
		wantCalls(t, []*call{late}, "concurrency_timeout")
		hangUp(calls[2])
		hangUp(calls[3])
		w.load(0, 0)
		wantCalls(t, w.calls(2), "ok", "ok")
	})
}

// TestWaitsNoLongerThanTheRequestHas, or than its client stays.
func TestWaitsNoLongerThanTheRequestHas(t *testing.T) {
	inBubble(t, "a", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(limited(config.Concurrency{Max: 1, Queue: 9, QueueTimeout: 60 * second}), addresses...))
		holder := w.call(upstream.Wish{})
		short := w.call(upstream.Wish{End: time.Now().Add(time.Second)})
		leaver := w.call(upstream.Wish{Client: someone{time.Now().Add(5 * time.Second)}})
		last := w.call(upstream.Wish{Client: someone{}})
		wait(time.Second)
		wantCalls(t, []*call{short, leaver, last}, "concurrency_timeout", "waiting", "waiting")
		wait(5 * time.Second)
		wantCalls(t, []*call{leaver, last}, "client_closed", "waiting")
		w.load(1, 1)
		hangUp(holder)
		wantCalls(t, []*call{last}, "ok")
	})
}

// someone is a client that leaves, or with a zero time stays.
type someone struct{ until time.Time }

func (s someone) Gone() bool { return !s.until.IsZero() && time.Now().After(s.until) }

// TestClientThatLeftGetsNoPlace: it is looked at once more when its turn comes.
func TestClientThatLeftGetsNoPlace(t *testing.T) {
	inBubble(t, "a", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(limited(config.Concurrency{Max: 1, Queue: 9, QueueTimeout: 60 * second}), addresses...))
		holder := w.call(upstream.Wish{})
		leaver := w.call(upstream.Wish{Client: someone{time.Now().Add(time.Millisecond)}})
		next := w.call(upstream.Wish{})
		wait(100 * time.Millisecond)
		hangUp(holder)
		wantCalls(t, []*call{leaver, next}, "client_closed", "ok")
		w.load(1, 0)
	})
}

func TestTargetMax(t *testing.T) {
	for _, policy := range lb.Policies() {
		t.Run(policy, func(t *testing.T) {
			inBubble(t, "abc", func(t *testing.T, addresses []string) {
				w := newWard(t, definition(limited(config.Concurrency{TargetMax: 2, Queue: 9, QueueTimeout: second}, func(d *config.Upstream) {
					d.Balance = policy
					d.Targets[2].Backup = true
				}), addresses...))
				calls := w.calls(7)
				wantCalls(t, calls, "ok", "ok", "ok", "ok", "ok", "ok", "waiting")
				for _, target := range w.Targets {
					if n := target.Node.InFlight(); n != 2 {
						t.Errorf("%d at %s", n, target.Address)
					}
				}
				if calls[0].target == w.Targets[2] || calls[3].target == w.Targets[2] || calls[4].target != w.Targets[2] {
					t.Error("the backup was not the last")
				}
				hangUp(calls[3])
				wantCalls(t, calls[6:], "ok")
				if calls[6].target != calls[3].target {
					t.Error("the request went elsewhere")
				}
			})
		})
	}
}

// TestTargetMaxOfTheUnfit: requests that hang at a target that was ejected take no
// room away from the others.
func TestTargetMaxOfTheUnfit(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(limited(config.Concurrency{TargetMax: 3, Queue: 9, QueueTimeout: 60 * second}, passive(1, 1)), addresses...))
		calls := w.calls(7)
		wantCalls(t, calls, "ok", "ok", "ok", "ok", "ok", "ok", "waiting")
		w.fail(0, 1)
		for _, c := range calls[:6] {
			if c.target == w.Targets[1] {
				hangUp(c)
			}
		}
		wantCalls(t, calls[6:], "ok")
		wantCalls(t, w.calls(3), "ok", "ok", "waiting")
		w.fail(1, 1) // all are failed open to; a is full as b is
		wait(10 * time.Second)
		if n := w.Targets[0].Node.InFlight(); n != 3 {
			t.Errorf("%d at a", n)
		}
	})
}

// TestAnotherTryKeepsItsPlace, and waits where only the target it was at has room,
// for others to go first.
func TestAnotherTryKeepsItsPlace(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(limited(config.Concurrency{Max: 3, TargetMax: 2, Queue: 9, QueueTimeout: 60 * second}), addresses...))
		var tried lb.Tried
		again := w.call(upstream.Wish{Tried: &tried})
		calls := w.calls(3)
		wantCalls(t, calls, "ok", "ok", "waiting")
		wantFailure(t, again.trip.Open(again.target, w.Pool, upstream.ReuseAny, time.Now(), time.Time{}), exchange.ConnectFailed)
		w.load(3, 1)
		tried.Add(again.target.Node)
		other := again.target
		retry := func(noWait bool) *call {
			again.done.Store(false)
			go func() {
				again.target, again.reason = again.trip.Pick(w.Pool, upstream.Wish{Now: time.Now(), Tried: &tried, NoWait: noWait})
				again.done.Store(true)
			}()
			synctest.Wait()
			return again
		}
		// The other target has room for one, and gets the one that has a place.
		wantCalls(t, []*call{retry(false), calls[2]}, "ok", "waiting")
		if again.target == other {
			t.Error("it goes where it was")
		}
		again.trip.Drop()
		synctest.Wait()
		wantCalls(t, calls[2:], "ok")
		w.load(3, 0)
	})
}

// TestRetryLetsOthersGoFirst has a retry wait for a target while there is room at
// the one it was at.
func TestRetryLetsOthersGoFirst(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(limited(config.Concurrency{TargetMax: 1, Queue: 9, QueueTimeout: 60 * second}), addresses...))
		calls := w.calls(2)
		var tried lb.Tried
		tried.Add(calls[0].target.Node)
		retry, next := w.call(upstream.Wish{Tried: &tried}), w.call(upstream.Wish{})
		hangUp(calls[0])
		wantCalls(t, []*call{retry, next}, "waiting", "ok")
		hangUp(calls[1])
		wantCalls(t, []*call{retry}, "ok")
		if retry.target != calls[1].target {
			t.Error("it goes where it was")
		}
		// Who has been everywhere does not wait, nor who would rather not.
		tried.Add(calls[1].target.Node)
		wantCalls(t, []*call{w.call(upstream.Wish{Tried: &tried}), w.call(upstream.Wish{NoWait: true})}, "no_target", "no_target")
		w.load(2, 0)
	})
}

// TestLimitsChangeInFlight: reloads keep what is in flight, and let in what has room.
func TestLimitsChangeInFlight(t *testing.T) {
	inBubble(t, "ab", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(limited(config.Concurrency{Max: 2, Queue: 9, QueueTimeout: 60 * second}), addresses...))
		calls := w.calls(7)
		wantCalls(t, calls, "ok", "ok", "waiting", "waiting", "waiting", "waiting", "waiting")
		w.reload(definition(limited(config.Concurrency{Max: 4, Queue: 9, QueueTimeout: 60 * second}), addresses...))
		synctest.Wait()
		wantCalls(t, calls, "ok", "ok", "ok", "ok", "waiting", "waiting", "waiting")
		w.reload(definition(limited(config.Concurrency{Max: 2, Queue: 9, QueueTimeout: 60 * second}), addresses[0]))
		hangUp(calls[0])
		hangUp(calls[1])
		wantCalls(t, calls[4:], "waiting", "waiting", "waiting")
		hangUp(calls[2])
		wantCalls(t, calls[4:], "ok", "waiting", "waiting")
		w.load(2, 2)
		w.reload(definition(limited(config.Concurrency{TargetMax: 2, Queue: 9, QueueTimeout: 60 * second}), addresses...))
		synctest.Wait()
		wantCalls(t, calls[5:], "ok", "ok")
		more := w.calls(2)
		w.reload(definition(nil, addresses...))
		synctest.Wait()
		wantCalls(t, more, "ok", "ok")
		wantCalls(t, w.calls(20), slices.Repeat([]string{"ok"}, 20)...)
	})
}

// TestFullIsToldOnce however many are refused.
func TestFullIsToldOnce(t *testing.T) {
	inBubble(t, "a", func(t *testing.T, addresses []string) {
		w := newWard(t, definition(limited(config.Concurrency{Max: 1, Queue: 0, QueueTimeout: second}), addresses...))
		holder := w.call(upstream.Wish{})
		w.told()
		for range 5 {
			w.calls(10)
			wait(4 * time.Second)
		}
		w.told("upstream full; requests are refused")
		if n := w.Load().Refused; n != 50 {
			t.Errorf("%d refused, want 50", n)
		}
		hangUp(holder)
		wait(20 * time.Second)
		w.told("upstream no longer full")
		wait(time.Minute)
		w.told()
	})
}

// TestLimitsHoldUnderLoad has many goroutines come and go; none is forgotten, and
// no limit is ever exceeded.
func TestLimitsHoldUnderLoad(t *testing.T) {
	for name, c := range map[string]config.Concurrency{
		"max":    {Max: 5, Queue: 1000, QueueTimeout: 60 * second},
		"target": {TargetMax: 2, Queue: 1000, QueueTimeout: 60 * second},
		"both":   {Max: 5, TargetMax: 2, Queue: 1000, QueueTimeout: 60 * second},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWard(t, definition(limited(c), letters(t, "abc")...))
			var all sync.WaitGroup
			var inFlight atomic.Int64
			most, peak := map[string]int64{"max": 5, "target": 6, "both": 5}[name], atomic.Int64{}
			for range 64 {
				all.Go(func() {
					var trip upstream.Trip
					for range 200 {
						target, reason := trip.Pick(w.Pool, upstream.Wish{Now: time.Now()})
						if target == nil {
							t.Errorf("no target: %s", reason)
							return
						}
						if n := inFlight.Add(1); n > peak.Load() {
							peak.Store(n)
						}
						inFlight.Add(-1)
						trip.Drop()
					}
				})
			}
			all.Wait()
			if peak.Load() > most {
				t.Errorf("%d in flight, want at most %d", peak.Load(), most)
			}
			w.load(0, 0)
		})
	}
}

// TestRefusalsDoNotAllocate, nor does a place.
func TestRefusalsDoNotAllocate(t *testing.T) {
	w := newWard(t, definition(limited(config.Concurrency{Max: 1, Queue: 0, QueueTimeout: second}), letters(t, "a")...))
	var trip, other upstream.Trip
	wish := upstream.Wish{Now: time.Now(), Client: nobody{}}
	ask := func(trip *upstream.Trip, want exchange.Reason) func() {
		return func() {
			if _, reason := trip.Pick(w.Pool, wish); reason != want {
				t.Errorf("reason %s", reason)
			}
		}
	}
	enter := ask(&trip, exchange.OK)
	if n := testing.AllocsPerRun(1000, func() { enter(); trip.Drop() }); n != 0 {
		t.Errorf("a place: %v allocations, want none", n)
	}
	enter()
	ask(&other, exchange.ConcurrencyFull)() // told of
	if n := testing.AllocsPerRun(1000, ask(&other, exchange.ConcurrencyFull)); n != 0 {
		t.Errorf("a refusal: %v allocations, want none", n)
	}
}

// BenchmarkRefused is what a request costs that the upstream has no room for.
func BenchmarkRefused(b *testing.B) {
	def := definition(limited(config.Concurrency{Max: 1, QueueTimeout: second}), "127.0.0.1:1")
	pool, err := upstream.NewPool("u", def, nil, upstream.Options{})
	if err != nil {
		b.Fatal(err)
	}
	pool.Start()
	defer pool.Stop()
	var trip, other upstream.Trip
	wish := upstream.Wish{Now: time.Now()}
	trip.Pick(pool, wish)
	b.ReportAllocs()
	for b.Loop() {
		other.Pick(pool, wish)
	}
}
