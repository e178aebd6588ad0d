package wire

import "bytes"

// Limits bound a request head.
type Limits struct {
	Bytes  int // longest head, request line and final empty line included
	Fields int // most field lines
}

// Head is a request head as it came, and what follows from it. All slices point
// into the buffer it was parsed from and live as long as that is not written to.
// A Head is reused by parsing into it again; it must not be copied meanwhile.
type Head struct {
	fieldLines

	Method []byte
	// Target is the request target, byte for byte.
	Target []byte
	// Origin is Target in origin-form or "*": what a target is sent. It differs
	// from Target only where that came in absolute-form.
	Origin []byte
	// Host is the authority the client named: of an absolute-form target if
	// there is one, else the Host field (RFC 9112 section 3.2.2). Empty only on
	// HTTP/1.0.
	Host []byte
	// Minor is the minor version: 0 or 1.
	Minor int

	// Length is the declared length of the body, 0 where there is none; -1 when
	// it is chunked.
	Length int64
	// Framed tells that the head has a Content-Length or Transfer-Encoding line;
	// a body of declared length 0 is not the same as no declaration.
	Framed bool
	// KeepAlive tells that the client will use the connection again.
	KeepAlive bool
	// Expect100 tells that the client waits for 100 Continue.
	Expect100 bool
	// WebSocket tells that the client asks to upgrade to WebSocket.
	WebSocket bool
	// Trailers tells that the client takes trailer fields (TE: trailers).
	Trailers bool

	absolute bool
	hostLine int // index of the Host line, -1 without one
	built    []byte
}

// Raw returns the whole head, from the request line to the final empty line.
func (h *Head) Raw() []byte { return h.raw }

// IsHead reports whether the method is HEAD.
func (h *Head) IsHead() bool { return string(h.Method) == "HEAD" }

// Parse reads one request head from the start of buf. It returns the head's
// length, or 0 and no error when buf holds only a part of one. An error is
// always a [*Refusal]; nothing in h but Minor may be used then.
//
// Empty lines before the request line are part of the head's length (RFC 9112
// section 2.2 asks to skip at least one).
//
// It does not allocate once h has seen a head with as many fields.
func (h *Head) Parse(buf []byte, limits Limits) (int, error) {
	start := 0
	for start+1 < len(buf) && start < 4 && buf[start] == '\r' && buf[start+1] == '\n' {
		start += 2
	}
	n, err := h.parse(buf[start:], limits)
	if n == 0 || err != nil {
		if err == nil && len(buf) >= limits.Bytes {
			err = tooLong(buf[start:])
		}
		return 0, err
	}
	if start+n > limits.Bytes {
		return 0, tooLong(buf[start : start+n])
	}
	return start + n, nil
}

func tooLong(head []byte) error {
	if i := bytes.IndexByte(head, '\n'); i < 0 || i > len(head)*3/4 {
		return ErrTargetTooLong
	}
	return ErrHeadTooLong
}

func (h *Head) parse(buf []byte, limits Limits) (int, error) {
	// A version that cannot be told is answered as HTTP/1.1.
	h.Minor = 1
	eol := bytes.IndexByte(buf, '\n')
	if eol < 0 {
		return 0, checkPartialLine(buf)
	}
	if eol == 0 || buf[eol-1] != '\r' {
		if err := checkPartialLine(buf[:eol]); err != nil {
			return 0, err
		}
		return 0, ErrLineEnd
	}
	if err := h.requestLine(buf[:eol-1]); err != nil {
		return 0, err
	}
	n, err := h.scan(buf, eol+1, limits.Fields, &requestScan)
	if n == 0 || err != nil {
		return 0, err
	}
	h.raw = buf[:n]
	return n, h.conclude()
}

// checkPartialLine refuses what can never become a request line, so that a TLS
// client or a port scan gets its answer at once and not after the timeout.
func checkPartialLine(b []byte) error {
	if len(b) > 0 && b[0] == 0x16 {
		return ErrTLSHello
	}
	for _, c := range b {
		if c == ' ' {
			return nil
		}
		if !classes[c].has(tokenByte) && c != '\r' {
			return ErrMethod
		}
	}
	return nil
}

// requestLine reads method SP target SP version (RFC 9112 section 3). Exactly one
// space on each side: what splits on white space reads another target.
func (h *Head) requestLine(line []byte) error {
	if len(line) == 0 {
		return ErrRequestLine
	}
	sp := bytes.IndexByte(line, ' ')
	last := bytes.LastIndexByte(line, ' ')
	if sp > 0 && !IsToken(line[:sp]) || sp < 0 && !IsToken(line) {
		if line[0] == 0x16 {
			return ErrTLSHello
		}
		return ErrMethod
	}
	if sp <= 0 || sp == last {
		return ErrRequestLine
	}
	h.Method, h.Target = line[:sp], line[sp+1:last]
	if err := h.version(line[last+1:]); err != nil {
		return err
	}
	if string(h.Method) == "CONNECT" || string(h.Method) == "TRACE" {
		return ErrMethodRefused
	}
	if len(h.Target) == 0 || !cleanTarget(h.Target) {
		return ErrTarget
	}
	return nil
}

func (h *Head) version(v []byte) error {
	if len(v) != 8 || string(v[:5]) != "HTTP/" || v[6] != '.' ||
		!classes[v[5]].has(digitByte) || !classes[v[7]].has(digitByte) {
		return ErrRequestLine
	}
	if string(h.Method) == "PRI" && v[5] == '2' {
		return ErrPreface
	}
	if v[5] != '1' || v[7] > '1' {
		return ErrVersion
	}
	h.Minor = int(v[7] - '0')
	return nil
}

// conclude reads the framing, the Host and the connection options. It is long
// because it is one loop with a few lines for each kind of field.
func (h *Head) conclude() error {
	h.Length, h.Framed, h.Expect100, h.WebSocket, h.Trailers = 0, false, false, false, false
	h.KeepAlive, h.hostLine = h.Minor == 1, -1
	var close, keep, webSocket, length, coding bool
	for i := range h.fields {
		f := &h.fields[i]
		if f.Kind == KindOther {
			continue
		}
		v := h.val(f)
		switch f.Kind {
		case KindHost:
			if h.hostLine >= 0 {
				return ErrHostRepeated
			}
			h.hostLine = i
		case KindContentLength:
			if length {
				return ErrLengthRepeated
			}
			length = true
			var ok bool
			if h.Length, ok = parseLength(v); !ok {
				return ErrLength
			}
		case KindTransferEncoding:
			if coding {
				return ErrCodingRepeated
			}
			coding = true
			if !equalFold(v, "chunked") {
				return ErrCoding
			}
		case KindConnection:
			c, k := h.connection(v)
			close, keep = close || c, keep || k
		case KindExpect:
			if !equalFold(v, "100-continue") {
				return ErrExpect
			}
			// An HTTP/1.0 client cannot take a 100 (RFC 9110 section 10.1.1).
			h.Expect100 = h.Minor == 1
		case KindUpgrade:
			webSocket = webSocket || equalFold(v, "websocket")
		case KindTE:
			h.Trailers = h.Trailers || hasItem(v, "trailers")
		}
	}
	if coding {
		if h.Minor == 0 {
			return ErrCodingOldVersion
		}
		if length {
			return ErrLengthAndCoding
		}
		h.Length = -1
	}
	h.Framed = coding || length
	h.KeepAlive = !close && (h.Minor == 1 || keep)
	// A handshake has no body (RFC 6455 section 4.1); one that has could still be
	// sending it when the protocol switches.
	h.WebSocket = webSocket && h.upgrade && h.Minor == 1 && string(h.Method) == "GET" && h.Length == 0
	return h.resolveTarget()
}

func hasItem(list []byte, lower string) bool {
	for item, rest := nextListItem(list); item != nil; item, rest = nextListItem(rest) {
		if equalFold(item, lower) {
			return true
		}
	}
	return false
}

// resolveTarget finds the target's form and the effective authority (RFC 9112
// section 3.2 and 3.3).
func (h *Head) resolveTarget() error {
	var host []byte
	if h.hostLine >= 0 {
		host = h.val(&h.fields[h.hostLine])
		if !ValidHost(host) {
			return ErrHost
		}
	} else if h.Minor == 1 {
		return ErrHostMissing
	}
	h.Origin, h.Host, h.absolute = h.Target, host, false
	if h.Target[0] == '/' {
		return nil
	}
	if len(h.Target) == 1 && h.Target[0] == '*' {
		if string(h.Method) != "OPTIONS" {
			return ErrTarget
		}
		return nil
	}
	return h.absoluteForm()
}

var (
	slash    = []byte("/")
	asterisk = []byte("*")
)

// absoluteForm takes the authority of an absolute-form target for the Host and
// leaves the rest as Origin (RFC 9112 section 3.2.2).
func (h *Head) absoluteForm() error {
	scheme := bytes.IndexByte(h.Target, ':')
	if scheme < 0 || !equalFold(h.Target[:scheme], "http") && !equalFold(h.Target[:scheme], "https") {
		return ErrTarget
	}
	rest := h.Target[scheme+1:]
	if len(rest) < 3 || rest[0] != '/' || rest[1] != '/' {
		return ErrTarget
	}
	rest = rest[2:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if !ValidHost(rest[:end]) {
		return ErrTarget
	}
	h.Host, h.Origin, h.absolute = rest[:end], rest[end:], true
	if len(h.Origin) == 0 {
		h.Origin = slash
		if string(h.Method) == "OPTIONS" {
			// RFC 9112 section 3.2.4: an empty path and query mean "*".
			h.Origin = asterisk
		}
	} else if h.Origin[0] == '?' {
		h.built = append(append(h.built[:0], '/'), h.Origin...)
		h.Origin = h.built
	}
	return nil
}
