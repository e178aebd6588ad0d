package telemetry

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// plain tells the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendJSON appends s as a JSON string, whatever its bytes: what is not UTF-8
// becomes U+FFFD, and control characters, those of C1 and DEL too, are escaped
// so that no client writes to the operator's terminal. At most limit bytes of s
// are read; a byte grows to six at most. It does not allocate if dst has room.
func appendJSON[T ~string | ~[]byte](dst []byte, s T, limit int) []byte {
	if len(s) > limit {
		s = s[:limit]
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if !plain[s[i]] {
			return append(appendEscaped(dst, s, i), '"')
		}
	}
	return append(append(dst, s...), '"')
}

// appendEscaped appends s, whose bytes before i stand for themselves.
func appendEscaped[T ~string | ~[]byte](dst []byte, s T, i int) []byte {
	start := 0
	for i < len(s) {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		n := 1
		if c < utf8.RuneSelf {
			dst = appendEscape(dst, c)
		} else {
			var r rune
			r, n = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			dst = appendRune(dst, r)
		}
		i += n
		start = i
	}
	return append(dst, s[start:]...)
}

// appendEscape appends an ASCII character that cannot stand for itself.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendRune appends a character beyond ASCII.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == utf8.RuneError:
		return append(dst, `\ufffd`...)
	case r < 0xa0:
		return append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
	case r == '\u2028', r == '\u2029':
		// Line ends to some readers of JSON lines.
		return append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&15])
	}
	return utf8.AppendRune(dst, r)
}
