package wire

// Forwarding is what a proxy tells the next hop about the client.
type Forwarding struct {
	// Client is the address of the peer, as text without a port; empty where
	// there is none (a unix socket).
	Client []byte
	// Proto is "http" or "https": how the peer spoke to us.
	Proto string
	// Trusted says that the peer is a proxy whose own forwarding fields are
	// believed: For is then appended to, the others are kept.
	Trusted bool
	// Trace, if it is valid, is what the next hop is told of the trace, in place of
	// what came. Else traceparent and tracestate pass like any other field.
	Trace TraceContext
	// TraceState says that tracestate goes with Trace as it came.
	TraceState bool
}

// AppendFields appends to dst the field lines of h that travel on, without the
// final empty line: hop-by-hop fields and all that Connection names are left out
// (RFC 9110 section 7.6.1), the framing is written anew in its place, host (if
// not nil) stands in for the Host, and the forwarding fields are added. Order,
// case, duplicates and white space of all else stay. dst may be h.Raw's own
// buffer only if it is not written to.
func (h *Head) AppendFields(dst []byte, host []byte, fwd *Forwarding) []byte {
	if host == nil && (h.absolute || h.hostLine < 0) {
		host = h.Host
	}
	if h.hostLine < 0 && len(host) > 0 {
		dst = appendLine(dst, "Host", host)
	}
	var seen seenForwarding
	run := -1 // start of a run of lines copied as they are
	for i := range h.fields {
		f := &h.fields[i]
		if h.passes(f, i, host != nil, fwd, &seen) {
			if run < 0 {
				run = int(f.start)
			}
			continue
		}
		if run >= 0 {
			dst = append(dst, h.raw[run:f.start]...)
			run = -1
		}
		dst = h.rewrite(dst, f, host, fwd, &seen)
	}
	if run >= 0 {
		dst = append(dst, h.raw[run:h.fields[len(h.fields)-1].end]...)
	}
	if h.WebSocket {
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	return appendForwarding(dst, h.Host, fwd, &seen)
}

// seenForwarding notes which forwarding fields of a trusted peer went through.
type seenForwarding struct {
	lastFor           int // index+1 of the last X-Forwarded-For line
	forDone           bool
	host, proto, tail bool
}

// passes reports whether the line travels on byte for byte.
func (h *Head) passes(f *Field, i int, newHost bool, fwd *Forwarding, seen *seenForwarding) bool {
	trusted := fwd.Trusted
	switch f.Kind {
	case KindOther, KindDate:
		return !h.nominated || !h.isNominated(h.name(f))
	case KindHost:
		return !newHost
	case KindTrailer:
		return h.Length < 0
	case KindForwardedHost:
		seen.host = trusted
		return trusted
	case KindForwardedProto:
		seen.proto = trusted
		return trusted
	case KindForwarded, KindForwardedAlias:
		return trusted
	case KindForwardedFor:
		return trusted && !h.lastForwardedFor(i, seen)
	case KindTraceparent, KindTracestate:
		if fwd.Trace.Valid() {
			return f.Kind == KindTracestate && fwd.TraceState
		}
		return !h.nominated || !h.isNominated(h.name(f))
	}
	return false
}

// lastForwardedFor reports whether line i is the last X-Forwarded-For, the one
// that our peer's address is appended to.
func (h *Head) lastForwardedFor(i int, seen *seenForwarding) bool {
	if seen.lastFor == 0 {
		for j := range h.fields {
			if h.fields[j].Kind == KindForwardedFor {
				seen.lastFor = j + 1
			}
		}
	}
	return i+1 == seen.lastFor
}

// rewrite appends what stands in the place of a line that does not pass.
func (h *Head) rewrite(dst []byte, f *Field, host []byte, fwd *Forwarding, seen *seenForwarding) []byte {
	switch f.Kind {
	case KindHost:
		return appendLine(dst, "Host", host)
	case KindContentLength:
		// The name as it came, the number as we read it: one reading of "0003".
		dst = append(dst, h.name(f)...)
		dst = append(dst, ": "...)
		dst = appendInt(dst, h.Length)
		return append(dst, "\r\n"...)
	case KindTransferEncoding:
		dst = append(dst, h.name(f)...)
		return append(dst, ": chunked\r\n"...)
	case KindTE:
		if h.Trailers && !seen.tail {
			seen.tail = true
			// It concerns this hop alone, which Connection says (RFC 9110
			// section 10.1.4).
			return append(dst, "TE: trailers\r\nConnection: TE\r\n"...)
		}
	case KindForwardedFor:
		if fwd.Trusted {
			seen.forDone = true
			dst = append(dst, h.raw[f.start:f.valueEnd]...)
			if len(fwd.Client) > 0 {
				if f.valueEnd > f.value {
					dst = append(dst, ',')
				}
				dst = append(dst, ' ')
				dst = append(dst, fwd.Client...)
			}
			return append(dst, "\r\n"...)
		}
	}
	return dst
}

func appendForwarding(dst, host []byte, fwd *Forwarding, seen *seenForwarding) []byte {
	if !seen.forDone && len(fwd.Client) > 0 {
		dst = appendLine(dst, "X-Forwarded-For", fwd.Client)
	}
	if !seen.host && len(host) > 0 {
		dst = appendLine(dst, "X-Forwarded-Host", host)
	}
	if !seen.proto {
		dst = append(dst, "X-Forwarded-Proto: "...)
		dst = append(dst, fwd.Proto...)
		dst = append(dst, "\r\n"...)
	}
	if fwd.Trace.Valid() {
		dst = append(dst, "traceparent: "...)
		dst = fwd.Trace.AppendText(dst)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

func appendLine(dst []byte, name string, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// appendInt appends n in decimal; n is not negative.
func appendInt(dst []byte, n int64) []byte {
	var digits [20]byte
	at := len(digits)
	for {
		at--
		digits[at] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return append(dst, digits[at:]...)
		}
	}
}
