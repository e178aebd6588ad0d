package server

import (
	"bufio"
	"sync"

	"github.com/valyala/fasthttp"
)

// newEngine makes the fasthttp server, which accepts connections and keeps the
// goroutines that serve them. What it would read, limit or time, Conn does: as
// with a protocol that was negotiated, connections are handed on whole.
func (s *Server) newEngine() *fasthttp.Server {
	engine := &fasthttp.Server{
		Logger:                quietLogger{},
		Concurrency:           1 << 20,
		MaxIdleWorkerDuration: handsStay,
	}
	engine.NextProto("", s.serveConn) // none was negotiated
	return engine
}

// exchange has the request that was read answered.
func (s *Server) exchange(c *Conn) {
	ctx := &c.ctx
	s.opts.Handler(ctx)
	if !c.answered {
		c.sendResponse(&ctx.Response)
	}
	if !c.spared {
		ctx.Response.Reset()
		ctx.ResetUserValues()
	}
}

var responseWriters = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}

// sendResponse sends an answer that a handler left in its context.
func (c *Conn) sendResponse(r *fasthttp.Response) {
	r.SkipBody = c.in.head.IsHead()
	if c.in.head.Minor == 0 || !c.KeepAlive() || r.ConnectionClose() {
		c.closing = true
		r.SetConnectionClose()
	}
	if c.in.head.Minor == 0 && r.IsBodyStream() {
		_ = r.Body() // reads it all: chunks are not of HTTP/1.0
	}
	w := responseWriters.Get().(*bufio.Writer)
	w.Reset((*sender)(c))
	if r.Write(w) != nil || w.Flush() != nil {
		c.closing = true
	}
	w.Reset(nil)
	responseWriters.Put(w)
}

// sender is [Conn.Send] as an [io.Writer].
type sender Conn

func (s *sender) Write(p []byte) (int, error) {
	if err := (*Conn)(s).Send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// quietLogger drops fasthttp's own lines: every failure of a connection is
// reported where it is decided.
type quietLogger struct{}

func (quietLogger) Printf(string, ...any) {}
