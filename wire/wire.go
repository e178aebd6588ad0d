// Package wire holds the rules of HTTP/1.1 on the bytes: the strict scan of
// request and response heads, target and Host checks, the hop-by-hop filter and
// the chunked coding. It does no I/O, keeps no connection and knows no route.
//
// Section numbers in comments are of RFC 9110 (semantics) and RFC 9112 (HTTP/1.1).
package wire

import "strconv"

// Refusal is an error in what a peer sent. Refusals are constants, compared by
// pointer; their text never repeats bytes of the peer.
type Refusal struct {
	// Status is what a client is answered when its request is refused. For a
	// response head it is always 502.
	Status int
	// Reason is a short lower-case text for the answer's body and the log.
	Reason string
}

func (r *Refusal) Error() string { return strconv.Itoa(r.Status) + ": " + r.Reason }

// What a request is refused for.
var (
	ErrRequestLine      = &Refusal{400, "malformed request line"}
	ErrMethod           = &Refusal{400, "malformed method"}
	ErrMethodRefused    = &Refusal{501, "method not supported by this proxy"}
	ErrTarget           = &Refusal{400, "malformed request target"}
	ErrVersion          = &Refusal{505, "http version not supported"}
	ErrPreface          = &Refusal{400, "http/2 without negotiation"}
	ErrTLSHello         = &Refusal{400, "tls on a plaintext port"}
	ErrLineEnd          = &Refusal{400, "line not ended by crlf"}
	ErrFieldName        = &Refusal{400, "malformed field name"}
	ErrFieldValue       = &Refusal{400, "control byte in a field value"}
	ErrFold             = &Refusal{400, "folded field line"}
	ErrHostMissing      = &Refusal{400, "missing host"}
	ErrHostRepeated     = &Refusal{400, "repeated host"}
	ErrHost             = &Refusal{400, "malformed host"}
	ErrLength           = &Refusal{400, "malformed content-length"}
	ErrLengthRepeated   = &Refusal{400, "repeated content-length"}
	ErrLengthAndCoding  = &Refusal{400, "content-length with transfer-encoding"}
	ErrCoding           = &Refusal{501, "transfer-encoding other than chunked"}
	ErrCodingRepeated   = &Refusal{400, "repeated transfer-encoding"}
	ErrCodingOldVersion = &Refusal{400, "transfer-encoding on http/1.0"}
	ErrExpect           = &Refusal{417, "unknown expectation"}
	ErrTargetTooLong    = &Refusal{414, "request target too long"}
	ErrHeadTooLong      = &Refusal{431, "request head too long"}
	ErrTooManyFields    = &Refusal{431, "too many header fields"}
	ErrBodyTooLong      = &Refusal{413, "request body too long"}
	ErrChunk            = &Refusal{400, "malformed chunked body"}
	ErrTrailer          = &Refusal{400, "malformed trailer section"}
	ErrPathAmbiguous    = &Refusal{400, "ambiguous path"}
)

// What a response is refused for.
var (
	ErrStatusLine       = &Refusal{502, "malformed status line"}
	ErrResponseField    = &Refusal{502, "malformed response field"}
	ErrResponseLineEnd  = &Refusal{502, "response line not ended by crlf"}
	ErrResponseLength   = &Refusal{502, "malformed response content-length"}
	ErrResponseCoding   = &Refusal{502, "response transfer-encoding other than chunked"}
	ErrResponseTooLong  = &Refusal{502, "response head too long"}
	ErrResponseSwitches = &Refusal{502, "upgrade not asked for"}
)
