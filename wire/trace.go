package wire

import "encoding/hex"

// TraceContext says where a request stands in a distributed trace, as the fields
// traceparent and tracestate do (W3C Trace Context).
type TraceContext struct {
	// ID is that of the whole trace; all zero where there is none.
	ID [16]byte
	// Span is the id of one piece of work in it: in a request, the sender's.
	Span  [8]byte
	Flags byte
}

// The flags of a trace that are defined; others mean nothing yet.
const (
	TraceSampled = 1 << iota // whoever sends this records the trace
	TraceRandom              // the right half of ID is random (Trace Context level 2)
)

// Valid reports whether there is a trace.
func (c *TraceContext) Valid() bool { return c.ID != [16]byte{} }

// Sampled reports whether the trace is recorded.
func (c *TraceContext) Sampled() bool { return c.Flags&TraceSampled != 0 }

// traceparentLen is the length of a traceparent of version 00:
// 00-<32 digits>-<16 digits>-<2 digits>.
const traceparentLen = 55

// AppendText appends c as the value of traceparent.
func (c *TraceContext) AppendText(dst []byte) []byte {
	dst = hex.AppendEncode(append(dst, "00-"...), c.ID[:])
	dst = hex.AppendEncode(append(dst, '-'), c.Span[:])
	return hex.AppendEncode(append(dst, '-'), []byte{c.Flags})
}

// ParseTraceparent reads the value of a traceparent, and reports whether it is
// one. Of a version to come, what version 00 has is read (W3C Trace Context,
// section "Versioning of traceparent"). Flags that are not defined are dropped.
func ParseTraceparent(value []byte) (c TraceContext, ok bool) {
	if len(value) < traceparentLen || value[2] != '-' || value[35] != '-' || value[52] != '-' {
		return TraceContext{}, false
	}
	var version, flags [1]byte
	if !unhexLower(version[:], value[:2]) || version[0] == 0xff ||
		!unhexLower(c.ID[:], value[3:35]) || !unhexLower(c.Span[:], value[36:52]) || !unhexLower(flags[:], value[53:55]) {
		return TraceContext{}, false
	}
	if len(value) > traceparentLen && (version[0] == 0 || value[traceparentLen] != '-') {
		return TraceContext{}, false
	}
	c.Flags = flags[0] & (TraceSampled | TraceRandom)
	if c.ID == [16]byte{} || c.Span == [8]byte{} {
		return TraceContext{}, false
	}
	return c, true
}

// unhexLower decodes hexadecimal digits, of which only the lower-case ones count.
func unhexLower(dst, digits []byte) bool {
	for i := range dst {
		high, low := lowerDigit(digits[2*i]), lowerDigit(digits[2*i+1])
		if high|low > 0xf {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

// lowerDigit returns what a digit stands for, or 0xff.
func lowerDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// Trace returns what the client's traceparent says, if there is exactly one and
// it is valid, and whether the tracestate with it is fit to be passed on, which it
// is too if there is none.
func (h *Head) Trace() (parent TraceContext, state, ok bool) {
	at, members, state := -1, 0, true
	for i := range h.fields {
		switch f := &h.fields[i]; f.Kind {
		case KindTraceparent:
			if at >= 0 {
				return TraceContext{}, false, false
			}
			at = i
		case KindTracestate:
			state = state && countTracestate(h.val(f), &members)
		}
	}
	if at < 0 {
		return TraceContext{}, false, false
	}
	parent, ok = ParseTraceparent(h.val(&h.fields[at]))
	return parent, state && ok, ok
}

// AppendTracestate appends the values of all tracestate lines, as one list.
func (h *Head) AppendTracestate(dst []byte) []byte {
	start := len(dst)
	for i := range h.fields {
		f := &h.fields[i]
		if f.Kind != KindTracestate || f.value == f.valueEnd {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, h.val(f)...)
	}
	return dst
}

// maxTraceMembers is the most entries of a tracestate.
const maxTraceMembers = 32

// countTracestate checks one tracestate line and adds its entries to those of the
// lines before.
func countTracestate(value []byte, members *int) bool {
	for item, rest := nextStateItem(value); ; item, rest = nextStateItem(rest) {
		if len(item) > 0 {
			if *members++; *members > maxTraceMembers || !validStateMember(item) {
				return false
			}
		}
		if rest == nil {
			return true
		}
	}
}

// nextStateItem cuts off the first item of a list, which may be empty; rest is nil
// behind the last.
func nextStateItem(list []byte) (item, rest []byte) {
	item = list
	for i, c := range list {
		if c == ',' {
			item, rest = list[:i], list[i+1:]
			break
		}
	}
	return trimSpace(item), rest
}

// validStateMember reports whether item is key=value as the specification has it:
//
//	key:   [a-z0-9] then up to 255 of [a-z0-9_*/-], or tenant@system, the tenant up
//	       to 241 long, the system up to 14 and beginning with a letter; a key without
//	       a tenant begins with a letter
//	value: 1 to 256 printable characters but for "," and "=", no space at the end
func validStateMember(item []byte) bool {
	n, at := 0, -1
	for ; n < len(item) && item[n] != '='; n++ {
		switch c := item[n]; {
		case 'a' <= c && c <= 'z':
		case '0' <= c && c <= '9':
			if n == at+1 && n > 0 {
				return false // a system begins with a letter
			}
		case c == '@':
			if at >= 0 || n == 0 || n > 241 {
				return false
			}
			at = n
		case c == '_' || c == '-' || c == '*' || c == '/':
			if n == at+1 {
				return false
			}
		default:
			return false
		}
	}
	if n == 0 || n == len(item) || n > 256 {
		return false
	}
	if at < 0 && '0' <= item[0] && item[0] <= '9' {
		return false
	}
	if system := n - at - 1; at >= 0 && (system == 0 || system > 14) {
		return false
	}
	value := item[n+1:]
	if len(value) == 0 || len(value) > 256 {
		return false
	}
	for _, c := range value {
		if c < ' ' || c > '~' || c == '=' {
			return false
		}
	}
	return true
}
