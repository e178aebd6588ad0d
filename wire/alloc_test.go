package wire

import "testing"

// Heads as browsers, wrk and origins send them.
var (
	browserHead = crlf("GET /assets/app.js?v=3 HTTP/1.1¶Host: www.example.com¶Connection: keep-alive¶sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\"¶" +
		"sec-ch-ua-mobile: ?0¶User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36¶" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8¶Sec-Fetch-Site: same-origin¶Sec-Fetch-Mode: navigate¶" +
		"Referer: https://www.example.com/index.html¶Accept-Encoding: gzip, deflate, br, zstd¶Accept-Language: en-GB,en;q=0.9,de;q=0.8¶Cookie: session=0123456789abcdef0123456789abcdef; theme=dark¶¶")
	wrkHead      = crlf("GET / HTTP/1.1¶Host: 127.0.0.1:8080¶¶")
	postHead     = crlf("POST /a HTTP/1.1¶Host: a¶Content-Length: 1024¶Connection: x, close¶X: 1¶TE: trailers¶¶")
	absoluteHead = crlf("GET http://b?x HTTP/1.1¶Host: a¶¶")
	originHead   = crlf("HTTP/1.1 200 OK¶Server: nginx/1.27.0¶Date: Sat, 21 Nov 2026 12:00:00 GMT¶Content-Type: text/html; charset=utf-8¶Content-Length: 1024¶" +
		"Last-Modified: Fri, 20 Nov 2026 12:00:00 GMT¶Connection: keep-alive¶ETag: \"673dcd80-400\"¶Cache-Control: max-age=3600¶Accept-Ranges: bytes¶" +
		"Vary: Accept-Encoding¶Set-Cookie: session=0123456789abcdef; Path=/; HttpOnly; Secure¶X-Content-Type-Options: nosniff¶¶")
	oldHead       = crlf("GET / HTTP/1.2¶Host: a¶¶")
	smallResponse = crlf("HTTP/1.1 200 OK¶Content-Length: 5¶Content-Type: text/plain¶¶")
)

func noAllocations(t *testing.T, what string, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(200, f); n != 0 && !raceEnabled {
		t.Errorf("%s: %v allocations", what, n)
	}
}

func TestNoAllocations(t *testing.T) {
	var h Head
	var r Response
	var c Chunks
	var f Fields
	buf := make([]byte, 0, 4096)
	trusted := Forwarding{Client: []byte("::1"), Proto: "https", Trusted: true}
	for _, head := range [][]byte{browserHead, wrkHead, postHead, absoluteHead} {
		noAllocations(t, "Head.Parse", func() { _, _ = h.Parse(head, testLimits) })
		noAllocations(t, "Head.AppendFields", func() { buf = h.AppendFields(buf[:0], nil, &forwardedAlike) })
		noAllocations(t, "Head.AppendFields, trusted", func() { buf = h.AppendFields(buf[:0], h.Host, &trusted) })
		noAllocations(t, "Head.Value", func() { _, _ = h.Value("Cookie", 0) })
		noAllocations(t, "Head.Parse of a part", func() { _, _ = h.Parse(head[:len(head)-1], testLimits) })
	}
	for _, head := range [][]byte{originHead, smallResponse} {
		noAllocations(t, "Response.Parse", func() { _, _ = r.Parse(head, false) })
		noAllocations(t, "Response.AppendFields", func() { buf = r.AppendFields(buf[:0]) })
	}
	noAllocations(t, "a refusal", func() { _, _ = h.Parse(oldHead, testLimits) })
	body := crlf("5;a=b¶hello¶10¶0123456789abcdef¶0¶¶")
	noAllocations(t, "Chunks.Next", func() {
		c.Reset()
		for src := body; !c.Done(); {
			_, n, _ := c.Next(src)
			src = src[n:]
		}
	})
	host, path := []byte("WWW.Example.com.:8080"), []byte("/a/%2e%2e/b/../c%20d")
	noAllocations(t, "AppendHostKey", func() { buf = AppendHostKey(buf[:0], host) })
	noAllocations(t, "AppendLiteralPath", func() { buf, _ = AppendLiteralPath(buf[:0], path) })
	noAllocations(t, "AppendResolvedPath", func() { buf = AppendResolvedPath(buf[:0], path) })
	noAllocations(t, "AppendChunkHead", func() { buf = AppendChunkHead(buf[:0], 4096) })
	noAllocations(t, "Fields", func() {
		f.Reset()
		f.Add("X-A", "1")
		f.Set("X-a", "a value longer than any small buffer on the stack of a caller")
		f.Set("X-B", "2")
		f.Del("X-B")
	})
}

func benchmarkHead(b *testing.B, head []byte) {
	var h Head
	buf := make([]byte, 0, 4096)
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := h.Parse(head, testLimits); n == 0 || err != nil {
			b.Fatal(n, err)
		}
		buf = h.AppendFields(buf[:0], nil, &forwardedAlike)
	}
}

func BenchmarkHeadBrowser(b *testing.B) { benchmarkHead(b, browserHead) }
func BenchmarkHeadWrk(b *testing.B)     { benchmarkHead(b, wrkHead) }

func benchmarkResponse(b *testing.B, head []byte) {
	var r Response
	buf := make([]byte, 0, 4096)
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.Parse(head, false); n == 0 || err != nil {
			b.Fatal(n, err)
		}
		buf = r.AppendFields(buf[:0])
	}
}

func BenchmarkResponseOrigin(b *testing.B) { benchmarkResponse(b, originHead) }
func BenchmarkResponseSmall(b *testing.B)  { benchmarkResponse(b, smallResponse) }
