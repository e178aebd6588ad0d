package telemetry

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// record is an exchange on its way through the stages. Stages of type map cost it
// nothing: what they change is the same for all records, and so is decided when the
// log is opened. It is pooled.
type record struct {
	x       *exchange.Exchange
	weight  uint64 // how many records it stands for
	scratch []byte // of one column at a time
	line    []byte
	head    []byte // what a syslog sink puts in front of the line
	clock   clock
}

var records = sync.Pool{New: func() any { return new(record) }}

// The most bytes of a value that go into a line. If they would make it longer
// than a block, all are cut down further.
const (
	maxURI    = 2 << 10
	maxAdded  = 1 << 10
	maxHost   = 512
	maxName   = 512
	maxClient = 128
	maxMethod = 64
)

// source is where the value of a column comes from.
type source uint8

// The sources, in the order of config.AccessFields and then those without a name
// of their own.
const (
	fromTime source = iota
	fromClient
	fromMethod
	fromHost
	fromURI
	fromProto
	fromRoute
	fromUpstream
	fromTarget
	fromAttempts
	fromStatus
	fromReason
	fromBytesIn
	fromBytesOut
	fromDuration
	fromHeaderTime
	fromUpgraded
	fromRequestID
	fromTraceID

	fromWeight
	fromHeader   // a field of the request, as it came
	fromResponse // a field of the response, as it was sent
	fromCookie
	fromQuery // not decoded
	fromText
	fromTimeCLF
	fromRequest // the request line; not for JSON
)

var limits = map[source]int{
	fromClient: maxClient, fromMethod: maxMethod, fromHost: maxHost, fromURI: maxURI,
	fromRoute: maxName, fromUpstream: maxName, fromTarget: maxName, fromReason: maxMethod, fromRequestID: maxClient, fromTraceID: maxClient,
	fromHeader: maxAdded, fromResponse: maxAdded, fromCookie: maxAdded, fromQuery: maxAdded, fromText: maxName,
}

// column is one field of a line and how its value is written.
type column struct {
	name     string
	source   source
	arg      string // of fromHeader and the like: the name; of fromText: the value
	limit    int    // most bytes read of a text
	redacted bool
	hide     []string // parameters whose values are hidden, in a value that is a URL
	uri      *column  // of fromRequest; nil if the uri was dropped
}

// quoting is how a value is written.
type quoting uint8

const (
	asJSON  quoting = iota // a JSON value
	asPlain                // fit to stand within double quotes in a line of text
	asIs                   // for predicates
)

const redacted = "REDACTED"

// append appends the value of c and reports whether there is one; if not, dst is
// returned as it was. It does not allocate if dst has room. It is long because it
// has a line or two for each source.
func (c *column) append(dst []byte, r *record, q quoting) ([]byte, bool) {
	x := r.x
	switch c.source {
	case fromTime:
		return quoted(r.clock.appendTime(quote(dst, q), x.Start), q), true
	case fromClient:
		dst, _ = appendText(dst, x.Forwarding.Client, c, q)
		return dst, q == asJSON || len(x.Forwarding.Client) > 0
	case fromRoute:
		return appendText(dst, x.Route, c, q)
	case fromUpstream:
		return appendText(dst, x.Upstream, c, q)
	case fromTarget:
		return appendText(dst, x.TargetName, c, q)
	case fromAttempts:
		return appendInt(dst, int64(x.Attempts)), x.Attempts > 0 || q != asJSON
	case fromStatus:
		return appendInt(dst, int64(x.Status)), true
	case fromReason:
		return appendText(dst, x.Reason.String(), c, q)
	case fromBytesIn:
		return appendInt(dst, x.BytesIn), true
	case fromBytesOut:
		return appendInt(dst, x.BytesOut), true
	case fromDuration:
		return appendMillis(dst, x.Duration), true
	case fromHeaderTime:
		if x.HeaderTime <= 0 {
			return dst, false
		}
		return appendMillis(dst, x.HeaderTime), true
	case fromUpgraded:
		if !x.Upgraded {
			return dst, false
		}
		return append(dst, "true"...), true
	case fromRequestID:
		return appendText(dst, x.RequestID(), c, q)
	case fromTraceID:
		if !x.Trace.Valid() {
			return dst, false
		}
		r.scratch = hex.AppendEncode(r.scratch[:0], x.Trace.ID[:])
		return appendText(dst, r.scratch, c, q)
	case fromWeight:
		return strconv.AppendUint(dst, r.weight, 10), true
	case fromResponse:
		return appendText(dst, c.hidden(r, x.Response.Fields.Get(c.arg)), c, q)
	case fromText:
		return appendText(dst, c.arg, c, q)
	case fromTimeCLF:
		return quoted(r.clock.appendCLF(quote(dst, q), x.Start), q), true
	}
	if x.Head == nil {
		return dst, false
	}
	return c.appendOfHead(dst, r, q)
}

// appendOfHead is append for what the request's head says.
func (c *column) appendOfHead(dst []byte, r *record, q quoting) ([]byte, bool) {
	h := r.x.Head
	switch c.source {
	case fromMethod:
		dst, _ = appendText(dst, h.Method, c, q)
		return dst, q == asJSON || len(h.Method) > 0
	case fromHost:
		dst, _ = appendText(dst, h.Host, c, q)
		return dst, q == asJSON || len(h.Host) > 0
	case fromURI:
		return c.appendURI(dst, r, q), true
	case fromProto:
		return quoted(append(quote(dst, q), proto(h)...), q), true
	case fromHeader:
		value, _ := h.Value(c.arg, 0)
		return appendText(dst, c.hidden(r, value), c, q)
	case fromCookie:
		value, _ := h.Cookie(c.arg, 0)
		return appendText(dst, value, c, q)
	case fromQuery:
		_, query, _ := wire.SplitTarget(h.Origin)
		value, _ := queryValue(query, c.arg)
		return appendText(dst, value, c, q)
	case fromRequest:
		dst = appendPlain(dst, h.Method, maxMethod)
		dst = append(dst, ' ')
		if c.uri == nil {
			dst = append(dst, '-')
		} else if with, ok := c.uri.append(dst, r, asPlain); ok {
			dst = with
		}
		return append(append(dst, ' '), proto(h)...), true
	}
	return dst, false
}

// appendURI appends the target as it came. In JSON its length follows where it
// was cut off.
func (c *column) appendURI(dst []byte, r *record, q quoting) []byte {
	target := r.x.Head.Target
	dst, _ = appendText(dst, c.hidden(r, target), c, q)
	if q == asJSON && len(target) > c.limit && !c.redacted {
		dst = append(dst, `,"uri_length":`...)
		dst = appendInt(dst, int64(len(target)))
	}
	return dst
}

// hidden returns value without what is to be hidden in it.
func (c *column) hidden(r *record, value []byte) []byte {
	if len(c.hide) == 0 || bytes.IndexByte(value, '?') < 0 {
		return value
	}
	r.scratch = appendHidden(r.scratch[:0], value, c.hide, c.limit)
	return r.scratch
}

func proto(h *wire.Head) string {
	if h.Minor == 0 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// quote and quoted put what needs no escapes into quotes.
func quote(dst []byte, q quoting) []byte {
	if q == asJSON {
		return append(dst, '"')
	}
	return dst
}

func quoted(dst []byte, q quoting) []byte { return quote(dst, q) }

// appendText appends a text, or what stands for it, and reports whether there is
// one. In JSON an empty one is appended all the same.
func appendText[T ~string | ~[]byte](dst []byte, value T, c *column, q quoting) ([]byte, bool) {
	if c.redacted && len(value) > 0 {
		return quoted(append(quote(dst, q), redacted...), q), true
	}
	switch q {
	case asJSON:
		return appendJSON(dst, value, c.limit), len(value) > 0
	case asPlain:
		return appendPlain(dst, value, c.limit), len(value) > 0
	}
	return append(dst, value[:min(len(value), c.limit)]...), len(value) > 0
}

// worst returns the most bytes that append can append as JSON or plain text.
func (c *column) worst() int {
	n := 48 // numbers, times, and the length of a uri
	if c.limit > 0 {
		n += 6 * c.limit // \u00XX
	}
	if c.uri != nil {
		n += 4*maxMethod + c.uri.worst()
	}
	return n
}

// isURL reports whether the value of c has parameters to be hidden.
func (c *column) isURL() bool {
	switch c.source {
	case fromURI, fromRequest:
		return true
	case fromHeader, fromResponse:
		return strings.EqualFold(c.arg, "Referer") || strings.EqualFold(c.arg, "Location")
	}
	return false
}
