package telemetry

import (
	"time"
)

// appendPlain appends s so that it can neither end the line nor leave double
// quotes around it, as Apache does: \" and \\, and \xHH for all that is not
// visible ASCII or a space. At most limit bytes of s are read; a byte grows to four
// at most. It does not allocate if dst has room.
func appendPlain[T ~string | ~[]byte](dst []byte, s T, limit int) []byte {
	if len(s) > limit {
		s = s[:limit]
	}
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if plain[c] {
			continue
		}
		dst = append(dst, s[start:i]...)
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
		start = i + 1
	}
	return append(dst, s[start:]...)
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// appendTimeCLF appends t as Common Log Format has it, in UTC.
func appendTimeCLF(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, day, 2)
	dst = append(append(append(dst, '/'), months[3*int(month)-3:3*int(month)]...), '/')
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, ':'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	return append(dst, " +0000"...)
}
