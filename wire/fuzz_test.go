package wire

import (
	"testing"
)

var testLimits = Limits{Bytes: 16 << 10, Fields: 128}

func FuzzHead(f *testing.F) {
	for _, s := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nGET http://a?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: x\r\nConnection: close, x\r\nX: y\r\nCookie: a\r\n\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Head
		n, err := h.Parse(b, testLimits)
		if err != nil || n == 0 {
			return
		}
		sameAsFasthttp(t, &h)
		sameAsNetHTTP(t, &h)
	})
}
