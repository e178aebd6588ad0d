package server

import (
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/wire"
)

// refuse answers what readHead failed with, where there is an answer.
func (c *Conn) refuse(err error) {
	c.closing = true
	refusal, ok := err.(*wire.Refusal)
	if !ok {
		if !sock.IsTimeout(err) {
			return
		}
		refusal = errHeadTimeout
	}
	c.lingering = true
	c.srv.onRefuse(c.client, refusal)
	_ = c.Send(appendRefusal(nil, refusal))
}

var (
	errHeadTimeout = &wire.Refusal{Status: 408, Reason: "request head took too long"}
	errTooMany     = &wire.Refusal{Status: 503, Reason: "too many connections"}
)

// appendRefusal appends a whole response that refuses a request and closes.
func appendRefusal(dst []byte, r *wire.Refusal) []byte {
	status := strconv.Itoa(r.Status)
	body := status + " " + r.Reason + "\n"
	dst = append(dst, "HTTP/1.1 "+status+" "+fasthttp.StatusMessage(r.Status)+"\r\nDate: "...)
	dst = fasthttp.AppendHTTPDate(dst, time.Now())
	if r.Status == fasthttp.StatusServiceUnavailable {
		dst = append(dst, "\r\nRetry-After: 1"...)
	}
	return append(dst, "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "+
		strconv.Itoa(len(body))+"\r\nConnection: close\r\n\r\n"+body...)
}

// turnAway answers a connection over the limit, without waiting for anything.
func (s *Server) turnAway(c *Conn) {
	s.onRefuse(appendAddr(nil, addrOf(c.Conn)), errTooMany)
	_ = c.Conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = c.Conn.Write(appendRefusal(nil, errTooMany))
	_ = c.Conn.Close()
}
