package upstream_test

import (
	"bufio"
	"io"
	"net"
	"testing"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/upstream"
)

// TestOutOfStep: where two responses come for one request over a connection used
// before, neither is taken for its answer.
func TestOutOfStep(t *testing.T) {
	const (
		ok      = "HTTP/1.1 200 OK\r\n"
		chunked = ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
		trailed = ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n"
	)
	cases := []struct {
		name, response, request string
		out                     bool
	}{
		{"a length", hello + hello, get, true},
		{"no body", ok + "Content-Length: 0\r\n\r\n" + hello, get, true},
		{"304", "HTTP/1.1 304 Not Modified\r\n\r\n" + hello, get, true},
		{"to HEAD", ok + "Content-Length: 5\r\n\r\n" + ok, "HEAD / HTTP/1.1\r\n\r\n", true},
		{"chunked", chunked + hello, get, true},
		{"chunked, with a trailer", trailed + chunked, get, true},
		{"the beginning of another", hello + "HT", get, true},
		{"interim ones", "HTTP/1.1 103 Early Hints\r\n\r\n" + hello, get, false},
		{"a body as a response", ok + "Content-Length: 19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", get, false},
		{"a chunk as a response", ok + "Transfer-Encoding: chunked\r\n\r\n13\r\nHTTP/1.1 200 OK\r\n\r\n\r\n0\r\n\r\n", get, false},
		{"a body to the end as a response", "HTTP/1.0 200 OK\r\n\r\n" + hello, get, false},
		{"a length too short", ok + "Content-Length: 2\r\n\r\nhello", get, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := pool(t, definition(nil, tcpOrigin(t, func(conn net.Conn, br *bufio.Reader) {
				for i := 0; request(br); i++ {
					response := hello
					if i > 0 {
						response = c.response
					}
					if _, err := io.WriteString(conn, response); err != nil {
						return
					}
				}
			})), nil, nil)
			b.wantHello()
			var trip upstream.Trip
			if err := b.open(&trip); err != nil {
				t.Fatal(err)
			}
			err := b.ask(&trip, c.request)
			if err == nil && trip.Response.Status == 103 {
				err = b.awaitHead(&trip)
			}
			if c.out {
				if f := wantFailure(t, err, exchange.UpstreamMalformed); !f.Stale || f.Unsent {
					t.Errorf("%+v: want it stale, and sent", f)
				}
			} else if err != nil {
				t.Error(err)
			}
			end(&trip, true)
			if c.out {
				wantConnections(t, b.Targets[0], 0, 0)
			}
		})
	}
}

// TestTwoAnswersToTheFirst: over a new connection the first can only be its own.
func TestTwoAnswersToTheFirst(t *testing.T) {
	b := pool(t, definition(nil, tcpOrigin(t, answering(hello+"HTTP/1.1 500 no\r\n\r\n"))), nil, nil)
	b.wantHello()
	wantConnections(t, b.Targets[0], 0, 0)
}
