package wire

import (
	"errors"
	"strings"
	"testing"
)

// crlf expands the notation of the tables: "¶" is CRLF.
func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "¶", "\r\n")) }

// refusals are inputs that are refused for one reason.
type refusals struct {
	err    *Refusal
	inputs []string
}

// Request lines, each followed by a good Host. RFC 9112 section 3.
var refusedLines = []refusals{
	{ErrRequestLine, []string{
		"GET", "GET ", "GET /", "GET HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / ", "GET / HTTP", "GET / HTTP/", "GET / HTTP/1",
		"GET / HTTP/1.", "GET / HTTP/11", "GET / HTTP/1.10", "GET / HTTP/01.1", "GET / HTTP/1.1\r", "GET / http/1.1", "GET / Http/1.1",
		"GET / HTTPS/1.1", "GET / HTTP/1,1", "GET / HTTP-1.1", "GET / HTTP/a.b", "GET / HTTP/1.x", "GET / ICY/1.1", "GET / HTTP/+1.1", "GET / XHTTP/1.1",
		"GET / HTTP/1.1\x00", "GET / \tHTTP/1.1", "GET / HTTP/1.1\t", "GET / HTTP/1.1;x", "GET /HTTP/1.1 x",
	}},
	{ErrVersion, []string{
		"GET / HTTP/0.9", "GET / HTTP/1.2", "GET / HTTP/1.9", "GET / HTTP/2.0", "GET / HTTP/0.0", "GET / HTTP/3.0", "GET / HTTP/9.9",
	}},
	{ErrPreface, []string{"PRI * HTTP/2.0"}},
	{ErrMethod, []string{
		"G@T / HTTP/1.1", "GE\x00T / HTTP/1.1", "(GET) / HTTP/1.1", "GET,POST / HTTP/1.1", "GET\t/ HTTP/1.1", "\tGET / HTTP/1.1", "G\xc3\x8bT / HTTP/1.1",
		"\"GET\" / HTTP/1.1", "GET: / HTTP/1.1", "{} / HTTP/1.1", "Host:a", "GET/ HTTP/1.1", "\x80\x2e\x01", "GE\rT / HTTP/1.1", "GET\x0b/ HTTP/1.1",
	}},
	{ErrTLSHello, []string{"\x16\x03\x01\x02\x00\x01\x00", "\x16\x03\x01 a b"}},
	{ErrMethodRefused, []string{
		"CONNECT a:443 HTTP/1.1", "CONNECT / HTTP/1.1", "CONNECT * HTTP/1.1", "TRACE / HTTP/1.1", "TRACE * HTTP/1.1", "CONNECT a:443 HTTP/1.0",
	}},
	{ErrTarget, []string{
		"GET  HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / / HTTP/1.1", "GET /a b HTTP/1.1", "GET /a\tb HTTP/1.1", "GET /\x00 HTTP/1.1",
		"GET /\x7f HTTP/1.1", "GET /a#b HTTP/1.1", "GET # HTTP/1.1", "GET /a\rb HTTP/1.1", "GET a HTTP/1.1", "GET a/b HTTP/1.1", "GET ?a HTTP/1.1", "GET a:80 HTTP/1.1",
		"GET * HTTP/1.1", "POST * HTTP/1.1", "options * HTTP/1.1", "OPTIONS ** HTTP/1.1", "OPTIONS *?a HTTP/1.1", "GET \\a HTTP/1.1", "GET %2F HTTP/1.1",
		"GET ftp://a/ HTTP/1.1", "GET http:/a HTTP/1.1", "GET http:a HTTP/1.1", "GET http: HTTP/1.1", "GET http:// HTTP/1.1", "GET http:///a HTTP/1.1",
		"GET http://?a HTTP/1.1", "GET http://u@a/ HTTP/1.1", "GET http://u:p@a/ HTTP/1.1", "GET http://a:b/ HTTP/1.1", "GET http://a:1:2/ HTTP/1.1",
		"GET http://[::1/ HTTP/1.1", "GET http://a,b/ HTTP/1.1", "GET http://a\\b/ HTTP/1.1", "GET http://%61/ HTTP/1.1", "GET ://a/ HTTP/1.1",
		"GET javascript:alert(1) HTTP/1.1", "GET ws://a/ HTTP/1.1", "GET http://a;b/ HTTP/1.1", "GET file:///etc/passwd HTTP/1.1", "GET http://\xc3\xbc/ HTTP/1.1",
		"GET @a/ HTTP/1.1", "GET .evil.test HTTP/1.1",
	}},
}

// Field lines behind "POST / HTTP/1.1" and a good Host.
var refusedFields = []refusals{
	// RFC 9112 section 5.1: no white space before the colon.
	{ErrFieldName, []string{
		"X : a", "Content-Length : 5", "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", "X", "X a", ": a", "X@Y: a", "X Y: a", "\xc3\xbc: a", "X\x00: a",
		"X\x7f: a", "(X): a", "\"X\": a", "X/Y: a", "X[0]: a", "{X}: a", "X\rY: a", "\x00", "X;: a", "Content-Length\x00: 5", "\x0bTransfer-Encoding: chunked", "X=a",
		"Transfer-Encoding\r: chunked", "\rX: a", "GET / HTTP/1.1", "X\xa0: a",
	}},
	// RFC 9112 section 5.2: obs-fold.
	{ErrFold, []string{"X: a¶ b", "X: a¶\tb", " X: a", "\tX: a", "Transfer-Encoding:¶ chunked", "Content-Length:¶ 5", "X:¶ ", " ", "Transfer-Encoding: chunked¶ , identity", "X: a¶ Content-Length: 5"}},
	// RFC 9110 section 5.5: NUL, CR and LF are dangerous; we take no control at all.
	{ErrFieldValue, []string{
		"X: a\x00b", "X: \x00", "X: a\rb", "X: a\r", "X: \ra", "X: \x01", "X: \x1f", "X: a\x7f", "X: 0123456\x00", "X: 01234567\x0001234567", "X: 0123456701234567\x7f", "X: \x0b",
		"Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x00", "Transfer-Encoding: chunked\rX: y", "Content-Length: 5\r", "Cookie: a\rTransfer-Encoding: chunked", "X: \x1b[31m", "X: a\x08",
	}},
	{ErrLineEnd, []string{"X: a\nY: b", "X: a\n", "X:\n", "\nX: a", "Transfer-Encoding: chunked\nX: y", "X: a\n\n", "X: a\n ", "Content-Length: 5\nTransfer-Encoding: chunked"}},
	// RFC 9112 section 6.2 and 6.3: one Content-Length, digits only.
	{ErrLength, []string{
		"Content-Length:", "Content-Length: ", "Content-Length: +5", "Content-Length: -5", "Content-Length: 5 5", "Content-Length: 5,5", "Content-Length: 5, 5", "Content-Length: 5,",
		"Content-Length: 0x5", "Content-Length: 5.0", "Content-Length: 5;a", "Content-Length: 1e3", "Content-Length: \"5\"", "Content-Length: five", "Content-Length: 9999999999999999999",
		"Content-Length: 18446744073709551621", "Content-Length: 4294967296000000000000", "Content-Length: 5_0", "Content-Length: \xd9\xa5", "Content-Length: -0", "Content-Length: ,5", "Content-Length: 0000000000000000005",
	}},
	{ErrLengthRepeated, []string{"Content-Length: 5¶Content-Length: 5", "Content-Length: 5¶Content-Length: 6", "Content-Length: 0¶content-length: 5", "CONTENT-LENGTH: 5¶X: a¶Content-length: 5"}},
	// RFC 9112 section 6.1 and 6.3: both are an attempt to smuggle.
	{ErrLengthAndCoding, []string{
		"Content-Length: 5¶Transfer-Encoding: chunked", "Transfer-Encoding: chunked¶Content-Length: 5", "Transfer-Encoding: chunked¶X: a¶Content-Length: 0", "transfer-encoding: CHUNKED¶content-length: 0",
	}},
	{ErrCoding, []string{
		"Transfer-Encoding:", "Transfer-Encoding: identity", "Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked, identity",
		"Transfer-Encoding: chunked,", "Transfer-Encoding: ,chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: chunkedx", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'",
		"Transfer-Encoding: chunked;q=1", "Transfer-Encoding: cow", "Transfer-Encoding: chunk ed", "Transfer-Encoding: chunked chunked", "Transfer-Encoding: x", "Transfer-Encoding: chunked\xa0", "Transfer-Encoding: \xff",
		"Content-Length: 5¶Transfer-Encoding: identity",
	}},
	{ErrCodingRepeated, []string{
		"Transfer-Encoding: chunked¶Transfer-Encoding: chunked", "Transfer-Encoding: chunked¶Transfer-Encoding: identity", "Transfer-Encoding: chunked¶transfer-encoding: cow", "Transfer-Encoding: chunked¶X: a¶Transfer-encoding:",
	}},
	// RFC 9112 section 3.2: one Host.
	{ErrHostRepeated, []string{"Host: a", "Host: b", "host: a", "HOST:", "X: a¶Host: evil.test"}},
	{ErrExpect, []string{"Expect: 200-ok", "Expect:", "Expect: 100-continue, x", "Expect: 100", "Expect: 100-continued", "Expect: 100-continue¶Expect: x"}},
}

// Whole heads.
var refusedHeads = []refusals{
	{ErrHostMissing, []string{"GET / HTTP/1.1¶¶", "GET http://a/ HTTP/1.1¶¶", "GET / HTTP/1.1¶X-Host: a¶¶", "OPTIONS * HTTP/1.1¶¶"}},
	{ErrHost, []string{
		"GET / HTTP/1.1¶Host:¶¶", "GET / HTTP/1.1¶Host: a,b¶¶", "GET / HTTP/1.1¶Host: a b¶¶", "GET / HTTP/1.1¶Host: u@a¶¶", "GET / HTTP/1.1¶Host: a/b¶¶", "GET / HTTP/1.1¶Host: http://a¶¶",
		"GET / HTTP/1.0¶Host:¶¶", "GET http://a/ HTTP/1.1¶Host: a@b¶¶", "GET / HTTP/1.1¶Host: a:80:80¶¶", "GET / HTTP/1.1¶Host: a?b¶¶", "GET / HTTP/1.1¶Host: a#b¶¶", "GET / HTTP/1.1¶Host: a\\b¶¶",
		"GET / HTTP/1.1¶Host: [::1¶¶", "GET / HTTP/1.1¶Host: %61¶¶", "GET / HTTP/1.1¶Host: a\tb¶¶", "GET / HTTP/1.1¶Host: \xc3\xbc¶¶", "GET / HTTP/1.1¶Host: <a>¶¶",
	}},
	{ErrCodingOldVersion, []string{"POST / HTTP/1.0¶Host: a¶Transfer-Encoding: chunked¶¶", "POST / HTTP/1.0¶Transfer-Encoding: chunked¶Content-Length: 5¶¶"}},
	{ErrLineEnd, []string{"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\nHost: a¶¶", "GET / HTTP/1.1¶Host: a\n¶", "GET / HTTP/1.1¶Host: a¶\n", "\nGET / HTTP/1.1¶Host: a¶¶", "¶\nGET / HTTP/1.1¶Host: a¶¶", "GET\n"}},
	{ErrRequestLine, []string{"¶¶¶", "¶¶¶GET / HTTP/1.1¶Host: a¶¶"}},
	{ErrMethod, []string{"\r\r\nGET / HTTP/1.1¶Host: a¶¶", "\x00", "\xff\xfe", "{\"a\":1}", "<a>", "SSH-2.0-x@y", "\x80\x67"}},
	{ErrTLSHello, []string{"\x16\x03\x01"}},
}

func checkRefused(t *testing.T, input []byte, want *Refusal) {
	t.Helper()
	var h Head
	n, err := h.Parse(input, testLimits)
	if n != 0 || !errors.Is(err, want) {
		t.Errorf("Parse(%q) = %d, %v; want %v", input, n, err, want)
	}
	// The answer to any refusal needs a version.
	if h.Minor != 0 && h.Minor != 1 {
		t.Errorf("Parse(%q): minor version %d", input, h.Minor)
	}
}

func TestHeadRefused(t *testing.T) {
	for _, tt := range refusedLines {
		for _, line := range tt.inputs {
			checkRefused(t, crlf(line+"¶Host: a¶¶"), tt.err)
		}
	}
	for _, tt := range refusedFields {
		for _, fields := range tt.inputs {
			checkRefused(t, crlf("POST / HTTP/1.1¶Host: a¶"+fields+"¶¶"), tt.err)
		}
	}
	for _, tt := range refusedHeads {
		for _, head := range tt.inputs {
			checkRefused(t, crlf(head), tt.err)
		}
	}
}

func TestHeadLimits(t *testing.T) {
	head := crlf("GET / HTTP/1.1¶Host: a¶A: 1¶B: 2¶¶")
	long := crlf("GET /" + strings.Repeat("a", 200) + " HTTP/1.1¶Host: a¶¶")
	for _, tt := range []struct {
		input  []byte
		limits Limits
		want   error
	}{
		{head, Limits{len(head), 3}, nil},
		{head, Limits{len(head) - 1, 3}, ErrHeadTooLong},
		{head, Limits{len(head), 2}, ErrTooManyFields},
		{head, Limits{len(head), 0}, ErrTooManyFields},
		{append([]byte("\r\n"), head...), Limits{len(head), 3}, ErrHeadTooLong},
		{append([]byte("\r\n"), head...), Limits{len(head) + 2, 3}, nil},
		{long, Limits{100, 3}, ErrTargetTooLong},
		{long[:100], Limits{100, 3}, ErrTargetTooLong},
		{long[:99], Limits{100, 3}, nil},
		{append(crlf("GET / HTTP/1.1¶X: "), make([]byte, 100)...), Limits{100, 3}, ErrHeadTooLong},
	} {
		var h Head
		n, err := h.Parse(tt.input, tt.limits)
		if want, ok := tt.want.(*Refusal); ok && !errors.Is(err, want) || !ok && err != nil {
			t.Errorf("Parse(%q, %+v) = %d, %v; want %v", tt.input, tt.limits, n, err, tt.want)
		}
	}
}

// A client that does not speak HTTP is told so by its first bytes.
func TestHeadRefusedEarly(t *testing.T) {
	for input, want := range map[string]*Refusal{
		"\x16": ErrTLSHello, "\x00": ErrMethod, "G@": ErrMethod, "\r\n\x16\x03": ErrTLSHello, "GE\x00": ErrMethod, "[": ErrMethod,
	} {
		checkRefused(t, []byte(input), want)
	}
}
