package middleware

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// RequestID gives every request an id: 128 random bits as 32 hexadecimal digits,
// sent to the target and to the client in one field. The client's own id is kept
// if the client may choose one and it is well-formed: at most 128 visible
// ASCII characters.
type RequestID struct {
	Header string `json:"header" default:"X-Request-Id" doc:"The field that carries the id."`
	Trust  bool   `json:"trust" default:"false" doc:"Keep the id that any client sends; without, only one from a trusted proxy is kept."`
}

// maxRequestID is the longest id of a client that is kept.
const maxRequestID = 128

// Check implements what [config.Catalog] asks of options.
func (o *RequestID) Check() []config.OptionProblem {
	if err := checkName(o.Header, true); err != nil {
		return problem("header", "%v", err)
	}
	return nil
}

// build makes the middleware. It does not allocate per request.
func (o *RequestID) build() Middleware {
	header, trust := o.Header, o.Trust
	return func(next fasthttp.RequestHandler) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			x := exchange.Of(ctx)
			// The id outlives next, the fields it came in may not.
			var buf [maxRequestID]byte
			fields := x.RequestFields()
			id := buf[:0]
			if sent := fields.Get(header); (trust || x.Forwarding.Trusted) && wellFormedID(sent) {
				id = append(id, sent...)
			} else {
				id = appendRequestID(id)
			}
			fields.Del(header)
			fields.AddBytes(header, id)
			x.SetRequestID(id)
			next(ctx)
			x.Response.Fields.Del(header)
			x.Response.Fields.AddBytes(header, id)
		}
	}
}

func wellFormedID(id []byte) bool {
	for _, c := range id {
		if c <= 0x20 || c >= 0x7f {
			return false
		}
	}
	return len(id) > 0 && len(id) <= maxRequestID
}

// appendRequestID appends a new id. An id has to be unique, not secret: the
// runtime's ChaCha8, seeded by the operating system in each process, is that
// without a lock or a system call; crypto/rand costs many times as much.
func appendRequestID(dst []byte) []byte {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
	return hex.AppendEncode(dst, raw[:])
}
