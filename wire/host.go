package wire

// ValidHost reports whether h is a host we accept in Host or an authority: a
// name, an IPv4 address or a bracketed IPv6 address, with an optional port. No
// userinfo, no list, no white space (RFC 9110 section 7.2, RFC 3986 section
// 3.2.2). Names are letters, digits, "-", ".", "_" and "~"; the other
// characters a reg-name may have occur only in attacks.
func ValidHost(h []byte) bool {
	name, port, ok := splitHost(h)
	if !ok || len(name) == 0 || len(port) > 5 {
		return false
	}
	for _, c := range port {
		if !classes[c].has(digitByte) {
			return false
		}
	}
	if name[0] == '[' {
		return validIPv6(name[1 : len(name)-1])
	}
	for _, c := range name {
		if !classes[c].has(hostByte) {
			return false
		}
	}
	return true
}

func splitHost(h []byte) (name, port []byte, ok bool) {
	if len(h) > 0 && h[0] == '[' {
		for i := 1; i < len(h); i++ {
			if h[i] != ']' {
				continue
			}
			if i+1 == len(h) {
				return h, nil, true
			}
			return h[:i+1], h[i+2:], h[i+1] == ':'
		}
		return nil, nil, false
	}
	for i := len(h) - 1; i >= 0; i-- {
		if h[i] == ':' {
			return h[:i], h[i+1:], true
		}
	}
	return h, nil, true
}

// validIPv6 checks characters and the number of groups; the address goes no
// further than a comparison, so that is all a proxy needs.
func validIPv6(b []byte) bool {
	colons := 0
	for _, c := range b {
		lower := c | 0x20
		switch {
		case c == ':':
			colons++
		case classes[c].has(digitByte), c == '.', lower >= 'a' && lower <= 'f':
		default:
			return false
		}
	}
	return colons >= 2 && colons <= 8
}

// AppendHostKey appends to dst what host is routed by: its name in lower case,
// without port and without a trailing dot.
func AppendHostKey(dst, host []byte) []byte {
	name, _, _ := splitHost(host)
	if n := len(name); n > 1 && name[n-1] == '.' {
		name = name[:n-1]
	}
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
