package upstream

import (
	"sync/atomic"
	"time"
)

// lifespan is what is known of how long a target keeps connections that are idle.
// Origins close them when they like, most without telling when; a request that is
// sent just then is lost, and unless it may be repeated it is lost for its client.
// So such a request goes over a connection that has been idle only as long as
// connections of this target are known to survive, or over a new one.
//
// It goes from target to target in reloads. It may be used from any goroutine;
// that two notes may overtake each other does no harm.
type lifespan struct {
	proven atomic.Int64 // ns: connections idle for so long were seen alive
	votes  atomic.Int64 // of connections seen alive after longer
	most   atomic.Int64 // ns: the longest time of those
	voted  atomic.Int64 // when the last vote was; as Clock

	closed   atomic.Int64 // ns: the shortest idle time after which one was closed lately; 0: none was
	closedAt atomic.Int64 // when one was last found closed; as Clock
	memory   atomic.Int64 // ns: how long that is held against the others
	burstAt  atomic.Int64 // when the first one of those closed together was found; as Clock

	talks atomic.Bool // bytes came that nobody had asked for
}

const (
	// votesNeeded is how often connections must have been seen alive after longer
	// than proven before that counts as proven, and voteSpan how far apart: what
	// is seen in a moment is all of one mood of the origin.
	votesNeeded = 8
	voteSpan    = 5 * time.Millisecond
	// longIdle is from where on proven is kept away from: what survived for so
	// long may end any moment, and a new connection now and then costs nothing.
	longIdle = time.Second
	// busyMargin is how much later than it was sent an origin on a busy machine
	// may get to read a request; by then it may find that its time is over.
	busyMargin = 25 * time.Millisecond
	// firstMemory is how long a connection that was found closed is held against
	// the others where there was none for long: an origin that was restarted closes
	// all that it had within a burst, and that says nothing of those that follow.
	// One with an idle timeout closes more, and each burst makes the memory four
	// times as long, up to closedMemory.
	firstMemory  = 500 * time.Millisecond
	closedMemory = 30 * time.Second
	burst        = 100 * time.Millisecond
	// unseen is for how long at most a connection may have been idle that is used
	// without a look at it. What the target sends in that time is no more than what
	// may be on its way when a look is taken.
	unseen = time.Millisecond
)

// alive notes that a connection was open after it had been idle for so long.
func (l *lifespan) alive(idle time.Duration, now time.Time) {
	d := int64(idle)
	if d <= l.proven.Load() {
		return
	}
	at := Clock(now)
	if at-l.voted.Load() < int64(voteSpan) {
		return
	}
	l.voted.Store(at)
	if d > l.most.Load() {
		l.most.Store(d)
	}
	if l.votes.Add(1) >= votesNeeded {
		l.proven.Store(l.most.Load())
		l.votes.Store(0)
	}
}

// died notes that a connection was closed after it had been idle for so long.
func (l *lifespan) died(idle time.Duration, now time.Time) {
	d, at := max(int64(idle), 1), Clock(now)
	switch last := l.closedAt.Load(); {
	case last == 0 || at-last > int64(closedMemory):
		l.memory.Store(int64(firstMemory))
		l.burstAt.Store(at)
	case at-l.burstAt.Load() > int64(burst):
		l.memory.Store(min(4*l.memory.Load(), int64(closedMemory)))
		l.burstAt.Store(at)
	}
	if known := l.cutOff(now); known == 0 || d < int64(known) {
		l.closed.Store(d)
	}
	l.closedAt.Store(at)
	// What was taken for proven is not, if it is longer.
	if l.proven.Load() > d {
		l.proven.Store(d)
	}
	l.votes.Store(0)
	l.most.Store(0)
}

// cutOff returns the shortest idle time after which a connection was closed
// lately; 0 if none was.
func (l *lifespan) cutOff(now time.Time) time.Duration {
	closed := l.closed.Load()
	if closed == 0 || Clock(now)-l.closedAt.Load() > l.memory.Load() {
		return 0
	}
	return time.Duration(closed)
}

// ClosesIdle returns the shortest idle time after which the target was seen to close
// a connection lately; 0 if it was not.
func (t *Target) ClosesIdle() time.Duration { return t.life.cutOff(time.Now()) }

// safe reports whether a connection that has been idle for so long can be trusted
// with a request that must not be lost.
func (l *lifespan) safe(idle time.Duration, now time.Time) bool {
	proven := time.Duration(l.proven.Load())
	if idle >= proven || idle > longIdle && idle >= proven/2 {
		return false
	}
	cut := l.cutOff(now)
	return cut == 0 || idle < min(cut/2, cut-busyMargin)
}

// spares reports whether a connection that has been idle for so long need not be
// looked at: it has hardly been, those of the target are known to stay open for
// longer, and the target has never sent anything that nobody asked for.
func (l *lifespan) spares(idle time.Duration, now time.Time) bool {
	return idle < unseen && l.safe(idle, now) && !l.talks.Load()
}

// Reuse says which connections will do for a request.
type Reuse uint8

// From any to none.
const (
	ReuseAny  Reuse = iota // one that is alive: the request may be sent again if it is not
	ReuseSafe              // one that will stay alive, as far as is known of the target
	ReuseNone              // a new one
)

// takes reports whether c, which is alive, will do.
func (t *Target) takes(c *conn, reuse Reuse, idle time.Duration, now time.Time) bool {
	return reuse == ReuseAny || reuse == ReuseSafe && t.life.safe(idle, now)
}

// announcedMargin is how long before the time that a target has announced to close
// an idle connection (Keep-Alive: timeout) it is no longer used: what is sent must
// arrive before.
func announcedMargin(announced time.Duration) time.Duration { return min(time.Second, announced/2) }
