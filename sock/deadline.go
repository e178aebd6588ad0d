// Package sock holds what both sides of a proxy do with a socket: reading and
// writing it, deadlines that are armed seldom, and a look at what has arrived
// without taking it. It knows no protocol.
package sock

import (
	"net"
	"time"
)

// Deadline is one direction's deadline of a connection, armed as seldom as may
// be: arming costs a timer operation, and a request can live with the deadline
// of the one before it if that is about as late. A timeout of d takes effect
// between d and 1.25 d. The zero value is not armed. It belongs to the goroutine
// that reads or writes in its direction.
type Deadline struct{ at time.Time }

// Reach makes sure that the direction times out no sooner than d from now, and
// not much later; d 0 sets no limit. set is the connection's SetReadDeadline or
// SetWriteDeadline.
func (l *Deadline) Reach(now time.Time, d time.Duration, set func(time.Time) error) {
	if d == 0 {
		if !l.at.IsZero() {
			l.at = time.Time{}
			_ = set(l.at)
		}
		return
	}
	slack := d / 4
	if left := l.at.Sub(now); left >= d && left <= d+slack {
		return
	}
	l.at = now.Add(d + slack)
	// An error means that the connection is closed, which the next read or
	// write tells as well.
	_ = set(l.at)
}

// Armed reports whether the direction has a deadline, which may have passed.
func (l *Deadline) Armed() bool { return !l.at.IsZero() }

// Past is a deadline that has always expired: set from another goroutine, it
// ends a read or write that is under way.
var Past = time.Unix(1, 0)

// IsTimeout reports whether err is an expired deadline.
func IsTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}
