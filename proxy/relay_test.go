package proxy_test

import (
	"strings"
	"testing"
)

// TestMalformedBodyAtOnceIsAnswered: the head of a response is good, its body is
// not, and both come together, so that nothing was sent to the client yet. It
// gets an answer, and not a connection that just ends, which clients may take
// for a reason to send the request again.
func TestMalformedBodyAtOnceIsAnswered(t *testing.T) {
	for _, body := range []string{"-1\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\nx\r\n", "3\r\nabcd\r\n0\r\n\r\n"} {
		b := serve(t, to(answering(t, "HTTP/1.1 200 OK\r\nX-Gone: 1\r\nTransfer-Encoding: chunked\r\n\r\n"+body)))
		got := b.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 502 ") || strings.Count(got, "HTTP/1.1 ") != 1 || strings.Contains(got, "X-Gone") ||
			!strings.HasSuffix(got, "\r\n\r\n502 upstream sent a malformed response\n") {
			t.Errorf("%q: answered %q", body, got)
		}
	}
}
