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

// validIPv6 reports whether b is an IPv6 address without a zone (RFC 4291 section
// 2.2). It is as strict as the server's own parser, which refuses a request by
// itself where it cannot read the address.
func validIPv6(b []byte) bool {
	groups, short := 0, false
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		if short, b = true, b[2:]; len(b) == 0 {
			return true
		}
	}
	for {
		n := 0
		for n < len(b) && unhex(b[n]) >= 0 {
			n++
		}
		if n < len(b) && b[n] == '.' {
			groups += 2
			return validIPv4(b) && (groups == 8 && !short || groups < 8 && short)
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		if b = b[n:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return false
		}
		if b = b[1:]; b[0] == ':' {
			if short {
				return false
			}
			if short, b = true, b[1:]; len(b) == 0 {
				break
			}
		}
	}
	return groups == 8 && !short || groups < 8 && short
}

// validIPv4 reports whether b is four decimal numbers under 256, without leading
// zeros, which some read as octal.
func validIPv4(b []byte) bool {
	for part := 1; ; part++ {
		n, value := 0, 0
		for n < len(b) && n < 4 && classes[b[n]].has(digitByte) {
			value = value*10 + int(b[n]-'0')
			n++
		}
		if n == 0 || value > 255 || n > 1 && b[0] == '0' {
			return false
		}
		if n == len(b) {
			return part == 4
		}
		if b[n] != '.' {
			return false
		}
		b = b[n+1:]
	}
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
