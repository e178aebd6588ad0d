package wire

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// pick returns one of the alternatives.
func pick(r *rand.Rand, alternatives []string) string { return alternatives[r.IntN(len(alternatives))] }

var (
	genMethods  = strings.Fields("GET GET GET POST HEAD PUT OPTIONS DELETE get PATCH QUERY M-SEARCH !#$%&'*+-.^_`|~ PRI")
	genVersions = []string{"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"}
	genTargets  = []string{
		"/", "/a", "/a/../b", "/%2e%2E/%00%zz%", "//", "//b", "//b/c?d", "//b:x/", "//[", "//b?u=http://c/", "//b/http://c", "/?", "/?a=http://b",
		"/a?b://[", "/\"<>\\^`{|}", "/\xff\x80é", "/:80/@a", "/a;b=c,d", "*", "http://b", "http://b/", "http://b?x", "HTTPS://B:443/a?b", "http://[::1]:80/x",
		"http://b//c", "http://b?u=http://c", "http://b/?://", "/" + strings.Repeat("a", 3000), "/a://b", "://", "/://", "//@b", "//a@b:c@[",
	}
	genHosts = []string{
		"", "a", "A.b-c_d~:8080", "a:", "a.", ".", "[::1]", "[::1]:80", "[::1]:", "127.0.0.1", "[2001:DB8::a.b.c.d]", "[:::::]", "[1:2:3:4:5:6:7:8]",
		"[1:2:3:4:5:6:7:8:9]", "[::ffff:1.2.3.4]", "[1:2]", "[12345::]", "a:99999", "a:0", "xn--a", "[::.]", "[::1.2.3]", "[a::b::c]", "[.::]",
	}
	genNames = []string{
		"Host", "Connection", "CONNECTION", "Content-Type", "User-Agent", "Cookie", "cookie", "Expect", "Trailer", "TE", "Upgrade", "Keep-Alive",
		"Proxy-Connection", "Transfer-Encoding", "Content-Length", "X-Forwarded-For", "X-Forwarded-Host", "Date", "X", "x-y", "!#$%&'*+-.^_`|~", "0",
		"Accept", "Referer", "Authorization", "Content-Encoding", "Server", "Set-Cookie", "Forwarded", "HTTP2-Settings", "Range", "If-Match",
	}
	genValues = []string{
		"", "", "a", "close", "Close", "keep-alive", "Keep-Alive, close", "close, x", "x,\tclose ,", ",,close", "close;a", "\"close\"", "x", "upgrade",
		"keep-alive, upgrade", "websocket", "chunked", "0", "5", "0005", "100-continue", "trailers", "gzip;q=1, trailers", "a, b,c", "é\xff", "a\tb", "=;=;a",
		"\"a, b\"", strings.Repeat("v", 500), "content-length", "host, x", "a:b", ":", "1.2.3.4", "multipart/form-data; boundary=", "\x80", "bytes=0-",
	}
	genSpaces = []string{" ", " ", " ", "", "\t", "  \t "}
)

// randomHead makes a head that is often accepted and seldom ordinary.
func randomHead(r *rand.Rand) []byte {
	var b strings.Builder
	for r.IntN(20) == 0 {
		b.WriteString("\r\n")
	}
	b.WriteString(pick(r, genMethods) + " " + pick(r, genTargets) + " " + pick(r, genVersions) + "\r\n")
	lines := r.IntN(7)
	host := r.IntN(lines + 1)
	for i := range lines + 1 {
		if i == host && r.IntN(10) > 0 {
			b.WriteString("Host:" + pick(r, genSpaces) + pick(r, genHosts) + pick(r, genSpaces) + "\r\n")
		}
		if i < lines {
			name := genNames[1+r.IntN(len(genNames)-1)]
			b.WriteString(name + ":" + pick(r, genSpaces) + pick(r, genValues) + pick(r, genSpaces) + "\r\n")
		}
	}
	b.WriteString("\r\n")
	head := []byte(b.String())
	if r.IntN(8) == 0 {
		head[r.IntN(len(head))] = byte(r.IntN(256))
	}
	return head
}

// What holds for every head is tried on many that are likely to be accepted.
func TestRandomHeads(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	accepted, heads := 0, 20_000
	for range heads {
		head := randomHead(r)
		checkHead(t, head)
		var h Head
		if n, _ := h.Parse(head, testLimits); n > 0 {
			accepted++
		}
	}
	if accepted < heads/10 {
		t.Errorf("only %d heads were accepted", accepted)
	}
}
