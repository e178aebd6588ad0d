package demo

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	text   = "text/plain; charset=utf-8"
	binary = "application/octet-stream"

	// longest bounds what ?ms= may ask for.
	longest = 10 * time.Minute
)

// handle chooses the answer by the path as it came: nothing is decoded.
func (o *Origin) handle(ctx *fasthttp.RequestCtx) {
	path, _, _ := bytes.Cut(ctx.RequestURI(), []byte("?"))
	ctx.Response.Header.Set("X-Origin", o.name)
	if string(path) != "/healthz" {
		o.requests.Add(1)
	}
	switch string(path) {
	case "/bench":
		ctx.SetContentType(text)
		ctx.Response.SetBodyRaw(benchBody)
	case "/echo":
		answerEcho(ctx)
	case "/headers":
		o.answerHeaders(ctx)
	case "/healthz":
		o.answerHealth(ctx)
	case "/slow":
		o.answerSlowly(ctx)
	case "/sse":
		o.answerEvents(ctx)
	default:
		if n, ok := bytes.CutPrefix(path, []byte("/bytes/")); ok {
			answerBytes(ctx, string(n))
		} else if code, ok := bytes.CutPrefix(path, []byte("/status/")); ok {
			o.answerStatus(ctx, string(code))
		} else {
			o.answerLine(ctx)
		}
	}
}

// refuse answers 400. (ctx.Error would take X-Origin away.)
func refuse(ctx *fasthttp.RequestCtx, why string) {
	ctx.SetStatusCode(http.StatusBadRequest)
	ctx.SetContentType(text)
	ctx.SetBodyString(why)
}

// answerLine tells who answers what.
func (o *Origin) answerLine(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType(text)
	ctx.Response.AppendBodyString(o.name)
	ctx.Response.AppendBodyString(": ")
	ctx.Response.AppendBody(ctx.Method())
	ctx.Response.AppendBodyString(" ")
	ctx.Response.AppendBody(ctx.RequestURI())
	ctx.Response.AppendBodyString("\n")
}

// answerBytes answers with n bytes of the pattern. Up to one period leaves in a
// single write from the shared buffer, more is streamed from it.
func answerBytes(ctx *fasthttp.RequestCtx, n string) {
	size, err := strconv.Atoi(n)
	if err != nil || size < 0 {
		refuse(ctx, "/bytes/N wants a number of bytes\n")
		return
	}
	ctx.SetContentType(binary)
	switch {
	case ctx.QueryArgs().GetBool("chunked"):
		ctx.SetBodyStream(&patternReader{left: int64(size)}, -1)
	case size <= period:
		ctx.Response.SetBodyRaw(pattern()[:size])
	default:
		ctx.SetBodyStream(&patternReader{left: int64(size)}, size)
	}
}

// answerEcho sends the body back while it comes in, with its length when the
// request had one, and with the fields that say what it is.
func answerEcho(ctx *fasthttp.RequestCtx) {
	request := &ctx.Request.Header
	contentType := request.ContentType()
	if len(contentType) == 0 {
		contentType = []byte(binary)
	}
	ctx.SetContentTypeBytes(contentType)
	if encoding := request.ContentEncoding(); len(encoding) > 0 {
		ctx.Response.Header.SetContentEncodingBytes(encoding)
	}
	if body := ctx.RequestBodyStream(); body != nil {
		ctx.SetBodyStream(body, max(request.ContentLength(), -1))
	}
}

// received is the answer to /headers.
type received struct {
	Origin  string      `json:"origin"`
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Headers [][2]string `json:"headers"` // in the order, case and number in which they came
}

func (o *Origin) answerHeaders(ctx *fasthttp.RequestCtx) {
	answer := received{
		Origin:  o.name,
		Method:  string(ctx.Method()),
		Target:  string(ctx.RequestURI()),
		Headers: [][2]string{},
	}
	// fasthttp's own view of the fields moves some of them about.
	for line := range bytes.Lines(ctx.Request.Header.RawHeaders()) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			answer.Headers = append(answer.Headers, [2]string{string(name), string(bytes.TrimSpace(value))})
		}
	}
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		ctx.Error(err.Error(), http.StatusInternalServerError)
		return
	}
	ctx.SetContentType("application/json")
	ctx.Response.SetBodyRaw(append(body, '\n'))
}

func (o *Origin) answerHealth(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType(text)
	if o.failing.Load() {
		ctx.SetStatusCode(http.StatusServiceUnavailable)
		ctx.SetBodyString("failing\n")
		return
	}
	ctx.SetBodyString("ok\n")
}

// answerStatus answers with a final status; a redirect leads to /.
func (o *Origin) answerStatus(ctx *fasthttp.RequestCtx, code string) {
	status, err := strconv.Atoi(code)
	if err != nil || status < 200 || status > 599 {
		refuse(ctx, "/status/CODE wants a status from 200 to 599\n")
		return
	}
	o.answerLine(ctx)
	ctx.SetStatusCode(status)
	switch status {
	case 301, 302, 303, 307, 308:
		ctx.Response.Header.Set("Location", "/")
	}
}

// answerSlowly answers after ?ms= milliseconds (1000 when left out), or not at
// all when the origin is closed before.
func (o *Origin) answerSlowly(ctx *fasthttp.RequestCtx) {
	if !o.pause(millis(ctx)) {
		ctx.Response.SetConnectionClose()
		ctx.SetStatusCode(http.StatusServiceUnavailable)
		return
	}
	o.answerLine(ctx)
}

// millis reads ?ms=, 1000 when it is left out or no number.
func millis(ctx *fasthttp.RequestCtx) time.Duration {
	ms, err := ctx.QueryArgs().GetUint("ms")
	if err != nil {
		return time.Second
	}
	return min(time.Duration(ms)*time.Millisecond, longest)
}

// pause waits for d and reports whether the origin is still there.
func (o *Origin) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-o.closed:
		return false
	}
}
