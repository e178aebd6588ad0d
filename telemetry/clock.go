package telemetry

import "time"

// clock writes times in UTC. It keeps the text of a second, which most lines share
// with the line before: to work out a date takes as long as half of a line. It is
// for one goroutine at a time; the zero clock is ready.
type clock struct {
	second   int64  // since 1970
	rfc, clf []byte // what says it; empty before the first
}

// appendTime appends t as RFC 3339 with microseconds.
func (c *clock) appendTime(dst []byte, t time.Time) []byte {
	c.turn(t)
	us := uint(t.Nanosecond()) / 1000
	dst = append(append(dst, c.rfc...), digits(us/10000)...)
	return append(append(append(dst, digits(us/100)...), digits(us)...), 'Z')
}

// appendCLF appends t as Common Log Format has it.
func (c *clock) appendCLF(dst []byte, t time.Time) []byte {
	c.turn(t)
	return append(dst, c.clf...)
}

// turn has the texts say the second of t.
func (c *clock) turn(t time.Time) {
	second := t.Unix()
	if second == c.second && len(c.rfc) > 0 {
		return
	}
	c.second, t = second, t.UTC()
	c.rfc = t.AppendFormat(c.rfc[:0], "2006-01-02T15:04:05.")
	c.clf = t.AppendFormat(c.clf[:0], "02/Jan/2006:15:04:05 +0000")
}
