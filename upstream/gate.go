package upstream

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

const (
	// lookWaiting is how often the client of a request that waits is looked at.
	lookWaiting = 250 * time.Millisecond
	// quiet is how long no request must have been refused for an upstream to count
	// as no longer full.
	quiet = 10 * time.Second
)

// gate bounds the requests that an upstream has in flight, and has others wait for
// their turn. It goes from pool to pool in reloads and works by the rules of the
// one in force. A request holds one place in it, over all its attempts, from its
// first pick to the end of its last trip.
type gate struct {
	m *monitor

	// Read by every pick, seldom written.
	limited atomic.Bool // there is a limit
	waiting atomic.Int32
	limit   atomic.Int64 // what holds now
	_       [128 - 24]byte

	inFlight atomic.Int64 // since there is a limit
	_        [128 - 8]byte

	refusals atomic.Uint64
	refusing atomic.Bool              // told as an event
	adaptive atomic.Pointer[adaptive] // nil: the limit is what the config says

	mu         sync.Mutex
	rules      config.Concurrency
	head, tail *waiter
	began      uint64 // refusals before the first that was told of
	seen       uint64 // refusals when last looked at
}

// waiter is a request that waits. It belongs to a trip and is used again.
type waiter struct {
	next, prev *waiter
	queued     bool
	pool       *Pool
	wish       Wish
	until      time.Time
	granted    chan struct{} // room for one: the waiter has a place
	timer      *time.Timer
}

func newWaiter() *waiter {
	w := &waiter{granted: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}

// rule puts rules in force. Requests in flight stay counted, those that wait get
// what has become free.
func (g *gate) rule(rules config.Concurrency) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rules = rules
	g.adaptive.Store(newAdaptive(rules.Adaptive, g.adaptive.Load()))
	g.limited.Store(rules.Max > 0 || rules.TargetMax > 0 || rules.Adaptive != nil)
	g.relimit()
}

// relimit works out the limit that holds. The caller holds mu.
func (g *gate) relimit() {
	limit := int64(math.MaxInt64)
	if g.rules.Max > 0 {
		limit = int64(g.rules.Max)
	}
	if a := g.adaptive.Load(); a != nil {
		limit = min(limit, a.limit.Load())
	}
	g.limit.Store(limit)
	g.grant()
}

// tryEnter takes a place if one is free.
func (g *gate) tryEnter() bool {
	for {
		n := g.inFlight.Load()
		if n >= g.limit.Load() {
			return false
		}
		if g.inFlight.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave gives a place back.
func (g *gate) leave() {
	g.inFlight.Add(-1)
	g.wake()
}

// wake has those that wait look for room: a place has become free, or a target has.
func (g *gate) wake() {
	if g.waiting.Load() > 0 {
		g.mu.Lock()
		g.grant()
		g.mu.Unlock()
	}
}

// grant gives places to those that wait, in their order, as long as there is room.
// Where targets have limits of their own it gives one at a time: who has it wakes
// the next once it has picked. One that has been to some targets already may have
// to let others go first. The caller holds mu.
func (g *gate) grant() {
	for w := g.head; w != nil; {
		next := w.next
		switch {
		case !w.pool.roomFor(&w.wish):
			if w.wish.Tried.Len() == 0 {
				return // nor is there for anybody else
			}
		case !g.tryEnter():
			return
		default:
			g.remove(w)
			w.granted <- struct{}{}
			if g.rules.TargetMax > 0 {
				return
			}
		}
		w = next
	}
}

// enter takes a place at once if one is free and nobody waits for it.
func (g *gate) enter() bool { return g.waiting.Load() == 0 && g.tryEnter() }

// wait takes a place when it is the request's turn. again says that it had its turn
// and found no target: then it is the first, however many wait. reason is OK with a
// place, and else tells why there is none.
func (g *gate) wait(w *waiter, again bool) (reason exchange.Reason) {
	g.mu.Lock()
	if !again {
		if int(g.waiting.Load()) >= g.rules.Queue || g.rules.QueueTimeout == 0 {
			g.mu.Unlock()
			return exchange.ConcurrencyFull
		}
		w.until = time.Now().Add(g.rules.QueueTimeout.D())
		if end := w.wish.End; !end.IsZero() && end.Before(w.until) {
			w.until = end
		}
	}
	g.add(w, again)
	g.grant() // what became free since it was looked for
	g.mu.Unlock()
	for {
		w.timer.Reset(max(min(time.Until(w.until), lookWaiting), 0))
		select {
		case <-w.granted:
			w.timer.Stop()
			return exchange.OK
		case <-w.timer.C:
		}
		if reason = w.givesUp(); g.look(w, reason != exchange.OK) {
			<-w.granted
			return exchange.OK
		}
		if reason != exchange.OK {
			return reason
		}
	}
}

// givesUp tells why a waiter waits no longer; OK if it does.
func (w *waiter) givesUp() exchange.Reason {
	switch {
	case !time.Now().Before(w.until):
		return exchange.ConcurrencyTimeout
	case w.wish.Client != nil && w.wish.Client.Gone():
		return exchange.ClientClosed
	}
	return exchange.OK
}

// look looks for room once more and reports whether w has been given a place. If
// not and w is to end, it waits no longer.
func (g *gate) look(w *waiter, end bool) (granted bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.grant()
	if !w.queued {
		return true
	}
	if end {
		g.remove(w)
	}
	return false
}

func (g *gate) add(w *waiter, first bool) {
	w.queued = true
	g.waiting.Add(1)
	switch {
	case g.head == nil:
		g.head, g.tail = w, w
	case first:
		w.next, g.head.prev, g.head = g.head, w, w
	default:
		w.prev, g.tail.next, g.tail = g.tail, w, w
	}
}

func (g *gate) remove(w *waiter) {
	if w.prev == nil {
		g.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		g.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev, w.queued = nil, nil, false
	g.waiting.Add(-1)
}

// refused counts a request that was refused, and tells of the first.
func (g *gate) refused() {
	n := g.refusals.Add(1)
	if g.refusing.Load() || !g.refusing.CompareAndSwap(false, true) {
		return
	}
	g.mu.Lock()
	g.began, g.seen = n-1, n
	g.mu.Unlock()
	g.m.note(Event{Upstream: g.m.upstream, What: "upstream full; requests are refused", Trouble: true,
		Why: fmt.Sprintf("%d in flight, %d waiting", g.inFlight.Load(), g.waiting.Load())})
	time.AfterFunc(quiet, g.calm)
}

// calm tells that no request is refused any more, if none was of late.
func (g *gate) calm() {
	g.mu.Lock()
	n, seen := g.refusals.Load(), g.seen
	g.seen = n
	count := n - g.began
	g.mu.Unlock()
	if n != seen {
		time.AfterFunc(quiet, g.calm)
		return
	}
	g.refusing.Store(false)
	g.m.note(Event{Upstream: g.m.upstream, What: "upstream no longer full", Why: fmt.Sprintf("%d requests were refused", count)})
}

// measured tells an adaptive limit how long a request took.
func (g *gate) measured(now time.Time, latency time.Duration) {
	a := g.adaptive.Load()
	if a == nil || latency <= 0 || !a.sample(Clock(now), int64(latency), g.inFlight.Load()) {
		return
	}
	g.mu.Lock()
	g.relimit()
	g.mu.Unlock()
}

// Load is how busy an upstream is.
type Load struct {
	Limited  bool
	InFlight int64 // since there is a limit
	Waiting  int64
	Limit    int64 // in force; 0: none
	Refused  uint64
	// Latency and Baseline are what an adaptive limit goes by; 0 without one.
	Latency, Baseline time.Duration
}

// Load returns how busy the upstream is, where it has a limit.
func (p *Pool) Load() Load {
	g := p.gate
	l := Load{Limited: g.limited.Load(), InFlight: g.inFlight.Load(), Waiting: int64(g.waiting.Load()), Refused: g.refusals.Load()}
	if limit := g.limit.Load(); limit != math.MaxInt64 {
		l.Limit = limit
	}
	if a := g.adaptive.Load(); a != nil {
		l.Latency, l.Baseline = a.state()
	}
	return l
}

// roomFor reports whether some target can take the request.
func (p *Pool) roomFor(w *Wish) bool { return p.hasTarget(w, false) }

// hasTarget reports whether a usable target that the request has not been to is
// full, or is not.
func (p *Pool) hasTarget(w *Wish, full bool) bool {
	for i, t := range p.Targets {
		if p.def.Targets[i].Weight > 0 && t.Node.Usable() && t.Node.Full() == full && !w.Tried.Has(t.Node) {
			return true
		}
	}
	return false
}
