package wire

import "bytes"

// SplitTarget cuts an origin-form target at its first "?". query is without it;
// hasQuery tells an empty query from none.
func SplitTarget(target []byte) (path, query []byte, hasQuery bool) {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		return target[:i], target[i+1:], true
	}
	return target, nil, false
}

// PlainPath reports whether path has but one reading: no escapes, no dot
// segments, no empty segments, no backslashes.
func PlainPath(path []byte) bool {
	for i, c := range path {
		if classes[c].has(simplePath) {
			continue
		}
		if c == '%' || c == '\\' {
			return false
		}
		// '/' and '.': trouble only as "//" and "/."
		if i > 0 && path[i-1] == '/' {
			return false
		}
	}
	return true
}

// AppendLiteralPath appends the first reading of path: as it came, with escapes
// decoded that cannot change its segments. Escaped slashes and backslashes stay
// escaped; dot segments stay.
//
// ok is false for an escaped NUL, which no reading is safe for.
func AppendLiteralPath(dst, path []byte) (_ []byte, ok bool) {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			if b, is := unescape(path[i:]); is {
				switch b {
				case 0:
					return dst, false
				case '/', '\\':
				default:
					dst = append(dst, b)
					i += 2
					continue
				}
			}
		}
		dst = append(dst, c)
	}
	return dst, true
}

// AppendWithoutParameters appends path without the parameters of its segments:
// what stands from a ";" to the next slash. Some origins never look at it.
func AppendWithoutParameters(dst, path []byte) []byte {
	cut := false
	for _, c := range path {
		switch c {
		case '/':
			cut = false
		case ';':
			cut = true
		}
		if !cut {
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendResolvedPath appends the second reading of path: every escape decoded,
// backslashes taken for slashes, empty segments dropped and dot segments
// resolved (RFC 3986 section 5.2.4), also those with a parameter. It starts with
// "/".
func AppendResolvedPath(dst, path []byte) []byte {
	base := len(dst)
	dst = append(dst, '/')
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			if b, is := unescape(path[i:]); is {
				c = b
				i += 2
			}
		}
		if c != '/' && c != '\\' {
			dst = append(dst, c)
			continue
		}
		dst = endSegment(dst, base, true)
	}
	return endSegment(dst, base, false)
}

// StrictPath reports whether path has no escaped slash or NUL, no backslash,
// escaped or not, and no dot segment, escaped or not.
func StrictPath(path []byte) bool {
	start := 0 // of the segment, in decoded bytes
	var seg [3]byte
	for i := 0; ; i++ {
		c := byte('/')
		if i < len(path) {
			c = path[i]
			if c == '%' {
				if b, is := unescape(path[i:]); is {
					if c = b; c == '/' || c == 0 {
						return false
					}
					i += 2
				}
			}
		}
		switch {
		case c == '\\':
			return false
		case c == '/', c == ';':
			if start == 1 && seg[0] == '.' || start == 2 && seg[0] == '.' && seg[1] == '.' {
				return false
			}
			start = 0
			if c == ';' {
				start = len(seg) // the rest of the segment is a parameter
			}
		case start < len(seg):
			seg[start] = c
			start++
		}
		if i >= len(path) {
			return true
		}
	}
}

// AppendEscapedPath appends a decoded path with every byte escaped that may not
// stand in a path as it is (RFC 3986 section 3.3).
func AppendEscapedPath(dst, path []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range path {
		if classes[c].has(pathByte) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

var semicolon = []byte(";")

// endSegment resolves the segment that dst ends with; dst[base:] starts with "/".
func endSegment(dst []byte, base int, more bool) []byte {
	start := bytes.LastIndexByte(dst, '/') + 1
	seg := dst[start:]
	if len(seg) == 0 {
		return dst
	}
	// Some origins take "..;x" for "..": what follows ";" is a parameter to them.
	name, _, _ := bytes.Cut(seg, semicolon)
	switch string(name) {
	case ".":
		return dst[:start]
	case "..":
		if start-1 > base {
			start = base + bytes.LastIndexByte(dst[base:start-1], '/') + 1
		}
		return dst[:start]
	}
	if more {
		dst = append(dst, '/')
	}
	return dst
}

func unescape(b []byte) (c byte, ok bool) {
	if len(b) < 3 {
		return 0, false
	}
	hi, lo := unhex(b[1]), unhex(b[2])
	if hi < 0 || lo < 0 {
		return 0, false
	}
	return byte(hi<<4 | lo), true
}

// Ascends reports whether path, put behind a prefix, could be walked out of it:
// whether at any point its dot segments, escaped or not, outnumber the segments
// before them. What follows a ";" in a segment does not count: there are origins
// that cut it off before they resolve "..;a".
func Ascends(path []byte) bool {
	depth, dots, other, parameter := 0, 0, false, false
	for i := 0; ; i++ {
		if i < len(path) {
			c := path[i]
			if c == '%' {
				if b, is := unescape(path[i:]); is {
					c = b
					i += 2
				}
			}
			if c != '/' && c != '\\' {
				switch {
				case parameter:
				case c == ';':
					parameter = true
				case c == '.':
					dots++
				default:
					other = true
				}
				continue
			}
		}
		switch {
		case !other && dots == 2:
			if depth--; depth < 0 {
				return true
			}
		case other || dots > 2:
			depth++
		}
		if i >= len(path) {
			return false
		}
		dots, other, parameter = 0, false, false
	}
}
