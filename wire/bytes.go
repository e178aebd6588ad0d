package wire

import (
	"bytes"
	"encoding/binary"
)

// class is a set of properties of one byte.
type class uint8

const (
	tokenByte  class = 1 << iota // tchar, RFC 9110 section 5.6.2
	hostByte                     // may stand in a reg-name we accept
	digitByte                    // 0-9
	alphaByte                    // a-z, A-Z
	simplePath                   // needs no second look in a path: no %, /, ., \
	pathByte                     // may stand in a path unescaped, RFC 3986 section 3.3
)

var classes = buildClasses()

func buildClasses() (t [256]class) {
	for c := 0; c < 256; c++ {
		b := byte(c)
		lower := b | 0x20
		switch {
		case b >= '0' && b <= '9':
			t[c] |= digitByte | tokenByte | hostByte
		case lower >= 'a' && lower <= 'z':
			t[c] |= alphaByte | tokenByte | hostByte
		}
		if b > 0x20 && b != 0x7f && b != '%' && b != '/' && b != '.' && b != '\\' {
			t[c] |= simplePath
		}
	}
	for _, b := range []byte("!#$%&'*+-.^_`|~") {
		t[b] |= tokenByte
	}
	for _, b := range []byte("-._~") {
		t[b] |= hostByte
	}
	for c := range t {
		if t[c].has(alphaByte | digitByte) {
			t[c] |= pathByte
		}
	}
	for _, b := range []byte("/-._~!$&'()*+,;=:@") {
		t[b] |= pathByte
	}
	return t
}

func (c class) has(p class) bool { return c&p != 0 }

// IsToken reports whether b is a token (RFC 9110 section 5.6.2).
func IsToken(b []byte) bool {
	for _, c := range b {
		if !classes[c].has(tokenByte) {
			return false
		}
	}
	return len(b) > 0
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// cleanValue reports whether b has no control byte but HT (RFC 9110 section 5.5).
// It looks at eight bytes at a time; a hit is settled byte by byte, since HT
// counts as a control there.
func cleanValue(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		del := x ^ (ones * 0x7f)
		// The high bit of a lane is set for a byte under 0x20, or equal to 0x7f.
		if ((x-ones*0x20)&^x|(del-ones)&^del)&highs != 0 && !cleanBytes(b[:8]) {
			return false
		}
		b = b[8:]
	}
	return cleanBytes(b)
}

func cleanBytes(b []byte) bool {
	for _, c := range b {
		if (c < 0x20 && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

// cleanTarget reports whether b has no control byte, space or fragment.
func cleanTarget(b []byte) bool {
	for _, c := range b {
		if c <= 0x20 || c == 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// equalFold reports whether b is lower but for the case of ASCII letters.
// lower must be in lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := 0; i < len(lower); i++ {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// EqualFold reports whether a and b are the same but for the case of ASCII letters.
func EqualFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(b); i++ {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x|0x20 != y|0x20 || !classes[x].has(alphaByte) {
			return false
		}
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// indexLF returns the offset in b of the first LF at or after from, or -1.
func indexLF(b []byte, from int) int {
	if i := bytes.IndexByte(b[from:], '\n'); i >= 0 {
		return from + i
	}
	return -1
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// nextListItem cuts the first element off a comma-separated list (RFC 9110
// section 5.6.1). Empty elements are skipped; item is nil at the end.
func nextListItem(list []byte) (item, rest []byte) {
	for len(list) > 0 {
		end := 0
		for end < len(list) && list[end] != ',' {
			end++
		}
		item = trimSpace(list[:end])
		if end < len(list) {
			end++
		}
		list = list[end:]
		if len(item) > 0 {
			return item, list
		}
	}
	return nil, nil
}

// parseLength reads a Content-Length: digits only, no sign, no list, no overflow
// (RFC 9112 section 6.2).
func parseLength(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		// Eighteen digits always fit; longer values are an attack or a mistake.
		return 0, false
	}
	for _, c := range b {
		if !classes[c].has(digitByte) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
