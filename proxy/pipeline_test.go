package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// repeating is an origin that answers with method, target and body, once it has read
// the request whole.
func repeating(t testing.TB) string {
	return origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return
			}
			text := req.Method + " " + req.RequestURI + " " + string(body)
			resp := http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(text)),
				Body: io.NopCloser(strings.NewReader(text))}
			if resp.Write(c) != nil {
				return
			}
		}
	})
}

// TestPipelinedBodies sends bodies of each framing, cut at every byte or whole,
// with the next request right behind: each is answered, in order, on one
// connection.
func TestPipelinedBodies(t *testing.T) {
	b := serve(t, to(repeating(t)))
	requests := []struct{ raw, want string }{
		{"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nde\r\n3\r\nfgh\r\n0\r\nX-T: 1\r\n\r\n", "POST /1 defgh"},
		{"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /2 "},
		{"POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "POST /3 abc"},
		{"PUT /4 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "PUT /4 "},
		{"GET /5 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /5 "},
	}
	var all strings.Builder
	for _, r := range requests {
		all.WriteString(r.raw)
	}
	text := all.String()
	for _, step := range []int{len(text), 97, 31, 7, 1} {
		c := b.dial()
		go func() {
			for at := 0; at < len(text); at += step {
				if _, err := io.WriteString(c, text[at:min(at+step, len(text))]); err != nil {
					return
				}
			}
		}()
		br := bufio.NewReader(c)
		for _, r := range requests {
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatalf("in steps of %d: %s: %v", step, r.want, err)
			}
			body, _ := io.ReadAll(resp.Body)
			if string(body) != r.want || resp.Close {
				t.Fatalf("in steps of %d: got %q (close %v), want %q", step, body, resp.Close, r.want)
			}
		}
		_ = c.SetDeadline(time.Now())
	}
}
