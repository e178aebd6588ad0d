package wire

import "bytes"

// Response is the head of a response as it came from a target. As with [Head],
// slices point into the buffer it was parsed from, and it is reused by parsing
// into it again.
type Response struct {
	fieldLines

	// Status is the status code, 100 to 999.
	Status int
	// Reason is the reason phrase, possibly empty.
	Reason []byte
	// Minor is the minor version the target spoke: 0 or 1.
	Minor int
	// Framing tells where the body ends.
	Framing Framing
	// Length is the body's length for FramingLength, and else 0.
	Length int64
	// Declared is the value of Content-Length, -1 without one. It differs from
	// Length for answers to HEAD and for 304.
	Declared int64
	// KeepAlive tells that the target will use the connection again.
	KeepAlive bool
	// IdleTimeout is how many seconds the target will keep the connection idle, by
	// Keep-Alive: timeout=N; -1 if it does not say.
	IdleTimeout int64
	// WebSocket tells that a 101 switches to WebSocket.
	WebSocket bool

	// Dated tells that the target says when it answered.
	Dated bool

	coding bool
}

// Framing is how the end of a response body is found (RFC 9112 section 6.3).
type Framing uint8

// The ways a body ends.
const (
	FramingNone    Framing = iota // there is no body
	FramingLength                 // after Length bytes
	FramingChunked                // with the last chunk
	FramingClose                  // with the connection
)

// Raw returns the whole head, from the status line to the final empty line.
func (r *Response) Raw() []byte { return r.raw }

// maxResponseFields bounds the field lines of a response head; its bytes are
// bounded by the buffer it is read into.
const maxResponseFields = 1000

// Parse reads one response head from the start of buf, the answer to a request
// whose method was HEAD or not. It returns the head's length, or 0 and no error
// when buf holds only a part. An error is always a [*Refusal] of status 502.
//
// It does not allocate once r has seen a head with as many fields.
func (r *Response) Parse(buf []byte, toHead bool) (int, error) {
	eol := bytes.IndexByte(buf, '\n')
	if eol < 0 {
		return 0, checkPartialStatus(buf)
	}
	if eol == 0 || buf[eol-1] != '\r' {
		return 0, ErrStatusLine
	}
	if !r.statusLine(buf[:eol-1]) {
		return 0, ErrStatusLine
	}
	n, err := r.scan(buf, eol+1, maxResponseFields, &responseScan)
	if n == 0 || err != nil {
		return 0, err
	}
	r.raw = buf[:n]
	if err := r.conclude(); err != nil {
		return 0, err
	}
	r.frame(toHead)
	return n, nil
}

func checkPartialStatus(b []byte) error {
	const start = "HTTP/1."
	n := min(len(b), len(start))
	if string(b[:n]) != start[:n] {
		return ErrStatusLine
	}
	return nil
}

// statusLine reads HTTP/1.x SP 3DIGIT [SP reason] (RFC 9112 section 4). Many
// origins leave out the second space with an empty reason.
func (r *Response) statusLine(line []byte) bool {
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return false
	}
	r.Status = 0
	for _, c := range line[9:12] {
		if !classes[c].has(digitByte) {
			return false
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	if r.Status < 100 || len(line) > 12 && line[12] != ' ' {
		return false
	}
	r.Minor = int(line[7] - '0')
	r.Reason = nil
	if len(line) > 13 {
		r.Reason = line[13:]
	}
	return cleanValue(r.Reason)
}

func (r *Response) conclude() error {
	r.Declared, r.coding, r.WebSocket, r.Dated = -1, false, false, false
	r.IdleTimeout = -1
	var close, keep, webSocket bool
	for i := range r.fields {
		f := &r.fields[i]
		if f.Kind == KindOther {
			continue
		}
		v := r.val(f)
		switch f.Kind {
		case KindContentLength:
			n, ok := parseLength(v)
			if !ok || r.Declared >= 0 {
				return ErrResponseLength
			}
			r.Declared = n
		case KindTransferEncoding:
			if r.coding || !equalFold(v, "chunked") {
				return ErrResponseCoding
			}
			r.coding = true
		case KindConnection:
			c, k := r.connection(v)
			close, keep = close || c, keep || k
		case KindUpgrade:
			webSocket = webSocket || equalFold(v, "websocket")
		case KindKeepAlive:
			r.IdleTimeout = idleTimeout(v)
		case KindDate:
			r.Dated = true
		}
	}
	if r.coding && (r.Minor == 0 || r.Declared >= 0) {
		// RFC 9112 section 6.1 and 6.3: likely an attempt to split responses.
		return ErrResponseCoding
	}
	r.KeepAlive = !close && (r.Minor == 1 || keep)
	r.WebSocket = webSocket && r.upgrade && r.Status == 101
	return nil
}

// maxIdleTimeout is the longest Keep-Alive timeout told from a longer one, a day.
const maxIdleTimeout = 24 * 60 * 60

// idleTimeout reads the timeout of a Keep-Alive field such as "timeout=5, max=100"
// (RFC 2068 section 19.7.1.1, which is all there is of a definition); -1 if it has
// none.
func idleTimeout(value []byte) int64 {
	const name = "timeout="
	for len(value) > 0 {
		var item []byte
		item, value = nextListItem(value)
		if len(item) <= len(name) || !equalFold(item[:len(name)], name) {
			continue
		}
		if n, ok := parseLength(item[len(name):]); ok {
			return min(n, maxIdleTimeout)
		}
	}
	return -1
}

// frame finds the end of the body (RFC 9112 section 6.3).
func (r *Response) frame(toHead bool) {
	r.Length = 0
	switch {
	case toHead, r.Status == 304:
		r.Framing = FramingNone
	case r.Status < 200, r.Status == 204:
		r.Framing = FramingNone
		if r.coding || r.Declared > 0 {
			// Bytes that nobody is to read may follow.
			r.KeepAlive = false
		}
	case r.coding:
		r.Framing = FramingChunked
	case r.Declared > 0:
		r.Framing, r.Length = FramingLength, r.Declared
	case r.Declared == 0:
		r.Framing = FramingNone
	default:
		r.Framing, r.KeepAlive = FramingClose, false
	}
}

// AppendFields appends to dst the field lines that travel to the client, without
// the final empty line: without hop-by-hop fields, without what Connection names,
// without Transfer-Encoding, which the connection to the client has its own of.
// Content-Length stays. Order, case and duplicates stay.
func (r *Response) AppendFields(dst []byte) []byte {
	run := -1
	for i := range r.fields {
		f := &r.fields[i]
		if r.passes(f) {
			if run < 0 {
				run = int(f.start)
			}
			continue
		}
		if run >= 0 {
			dst = append(dst, r.raw[run:f.start]...)
			run = -1
		}
	}
	if run >= 0 {
		dst = append(dst, r.raw[run:r.fields[len(r.fields)-1].end]...)
	}
	return dst
}

func (r *Response) passes(f *Field) bool {
	switch f.Kind {
	case KindConnection, KindKeepAlive, KindProxyConnection, KindProxyAuthorization,
		KindTransferEncoding, KindTE, KindUpgrade, KindHTTP2Settings:
		return false
	case KindTrailer:
		return r.Framing == FramingChunked
	case KindContentLength:
		// A 1xx or 204 has none (RFC 9110 section 8.6).
		return r.Status >= 200 && r.Status != 204
	}
	return !r.nominated || !r.isNominated(r.name(f))
}
