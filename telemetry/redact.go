package telemetry

import "bytes"

// queryValue returns the first value of a parameter of a query, as it came. The
// name is compared decoded. It does not allocate.
func queryValue(query []byte, name string) (value []byte, ok bool) {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte{'&'})
		key, value, _ := bytes.Cut(pair, []byte{'='})
		if decodesTo(key, name) {
			return value, true
		}
	}
	return nil, false
}

// decodesTo reports whether an encoded name of a parameter means name, or
// name[…], without regard to the case of ASCII letters: origins differ in what
// they take for the same, and a secret is better hidden twice than not at all.
func decodesTo(key []byte, name string) bool {
	n := 0
	for i := 0; i < len(key); n++ {
		c := key[i]
		i++
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+1 < len(key) && unhex(key[i]) >= 0 && unhex(key[i+1]) >= 0:
			c = byte(unhex(key[i])<<4 | unhex(key[i+1]))
			i += 2
		}
		if n == len(name) && n > 0 && c == '[' {
			return true
		}
		if n == len(name) || lower(c) != lower(name[n]) {
			return false
		}
	}
	return n == len(name)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func unhex(c byte) int {
	switch c = lower(c); {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// appendHidden appends a URL with the values of the named parameters hidden, and
// stops soon after limit bytes. Parameters end at & and ;, for some origins take
// either, and at #.
func appendHidden(dst, url []byte, names []string, limit int) []byte {
	path, query, _ := bytes.Cut(url, []byte{'?'})
	dst = append(append(dst, path[:min(len(path), limit)]...), '?')
	for len(query) > 0 && len(dst) <= limit {
		n := bytes.IndexAny(query, "&;#?")
		if n < 0 {
			n = len(query)
		}
		pair := query[:n]
		key, value, _ := bytes.Cut(pair, []byte{'='})
		if len(value) > 0 && isHidden(key, names) {
			dst = append(append(append(dst, key...), '='), redacted...)
		} else {
			dst = append(dst, pair...)
		}
		if n < len(query) {
			dst = append(dst, query[n])
			n++
		}
		query = query[n:]
	}
	return dst
}

func isHidden(key []byte, names []string) bool {
	for _, name := range names {
		if decodesTo(key, name) {
			return true
		}
	}
	return false
}
