package wire

import (
	"bytes"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// scriptedConn is a connection whose peer has sent everything and reads all.
type scriptedConn struct {
	in  bytes.Reader
	out bytes.Buffer
}

func (c *scriptedConn) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *scriptedConn) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *scriptedConn) Close() error                     { return nil }
func (c *scriptedConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *scriptedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *scriptedConn) SetDeadline(time.Time) error      { return nil }
func (c *scriptedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptedConn) SetWriteDeadline(time.Time) error { return nil }

// A fasthttp server calls its handler exactly once for every accepted head that
// AppendLocal hands on, and goes on with the next where the client does.
func TestServerTakesEveryAcceptedHead(t *testing.T) {
	var h, last Head
	if _, err := last.Parse(crlf("GET /last HTTP/1.1¶Host: last¶Connection: close¶¶"), testLimits); err != nil {
		t.Fatal(err)
	}
	var seen []string
	server := &fasthttp.Server{
		StreamRequestBody: true,
		ReadBufferSize:    testLimits.Bytes + 1024,
		Logger:            quiet{},
		Handler: func(ctx *fasthttp.RequestCtx) {
			seen = append(seen, string(ctx.Method())+" "+string(ctx.Request.Header.Host()))
			if body := ctx.Request.Body(); len(body) > 0 {
				t.Errorf("a body of %q", body)
			}
		},
	}
	check := func(head []byte) {
		if n, err := h.Parse(head, testLimits); n == 0 || err != nil {
			return
		}
		seen = seen[:0]
		c := new(scriptedConn)
		c.in.Reset(last.AppendLocal(h.AppendLocal(nil)))
		err := server.ServeConn(c)
		want := []string{string(h.Method) + " " + string(h.Host)}
		if h.KeepAlive {
			want = append(want, "GET last")
		}
		if len(seen) != len(want) || seen[0] != want[0] || seen[len(seen)-1] != want[len(want)-1] {
			t.Errorf("%q: handled %q, want %q (%v)\nanswered %.200q", head, seen, want, err, c.out.Bytes())
		}
	}
	for _, tt := range acceptedHeads {
		check(crlf(tt.head))
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		check(randomHead(r))
	}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
