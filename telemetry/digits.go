package telemetry

import (
	"strconv"
	"time"
)

// appendMillis appends d in milliseconds, with microseconds as decimals.
func appendMillis(dst []byte, d time.Duration) []byte {
	us := max(d, 0).Microseconds()
	dst = appendInt(dst, us/1000)
	rest := uint(us % 1000)
	return append(append(dst, '.', byte('0'+rest/100)), digits(rest)...)
}

// hundred is the numbers below a hundred, two digits each.
var hundred = func() (t [200]byte) {
	for i := range t {
		t[i] = byte('0' + [2]int{i / 20, i / 2 % 10}[i%2])
	}
	return t
}()

// digits returns the last two decimal digits of n.
func digits(n uint) []byte {
	n = n % 100 * 2
	return hundred[n : n+2]
}

// appendInt appends n in decimal; small numbers, which most are, in less time than
// strconv takes.
func appendInt(dst []byte, n int64) []byte {
	switch {
	case n < 0 || n >= 10000:
		return strconv.AppendInt(dst, n, 10)
	case n < 10:
		return append(dst, byte('0'+n))
	case n < 100:
		return append(dst, digits(uint(n))...)
	case n < 1000:
		return append(append(dst, byte('0'+n/100)), digits(uint(n))...)
	}
	return append(append(dst, digits(uint(n/100))...), digits(uint(n))...)
}
