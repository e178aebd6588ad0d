package demo

import (
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

var errClosed = errors.New("the origin is closed")

// answerEvents sends ?n= server-sent events (10 when left out, without end when
// 0), ?ms= milliseconds apart, the first at once.
func (o *Origin) answerEvents(ctx *fasthttp.RequestCtx) {
	count, err := ctx.QueryArgs().GetUint("n")
	if err != nil {
		count = 10
	}
	ctx.SetContentType("text/event-stream")
	ctx.Response.Header.Set("Cache-Control", "no-cache")
	ctx.Response.ImmediateHeaderFlush = true
	ctx.SetBodyStream(&eventReader{origin: o, count: count, every: millis(ctx)}, -1)
}

// eventReader is the body of an answer to /sse: one event a Read, which fasthttp
// sends on at once.
type eventReader struct {
	origin *Origin
	count  int // 0: without end
	every  time.Duration
	sent   int
	rest   []byte // of an event that did not fit
}

func (r *eventReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.count > 0 && r.sent == r.count {
			return 0, io.EOF
		}
		if r.sent > 0 && !r.origin.pause(r.every) {
			return 0, errClosed
		}
		r.sent++
		number := strconv.Itoa(r.sent)
		r.rest = []byte("id: " + number + "\ndata: " + r.origin.name + " " + number + "\n\n")
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
