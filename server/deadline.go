package server

import (
	"net"
	"time"
)

// deadline is one direction's deadline of a connection, armed as seldom as may
// be: arming costs a timer operation, and a request a few microseconds old can
// live with the deadline of the one before. A timeout of d takes effect between
// d and 1.25 d.
type deadline struct{ at time.Time }

// reach makes sure that the direction times out no sooner than d from now, and
// not much later. d 0 sets no limit.
func (l *deadline) reach(now time.Time, d time.Duration, set func(time.Time) error) {
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

// past is a deadline that has always expired.
var past = time.Unix(1, 0)

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}
