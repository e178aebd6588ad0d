package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// verdict names what differs from an HTTP/1.1 200 OK without a body on a
// connection that is kept.
func (r *Response) verdict() string {
	var words []string
	word := func(on bool, w string) {
		if on {
			words = append(words, w)
		}
	}
	word(r.Minor == 0, "1.0")
	word(r.Status != 200, fmt.Sprint(r.Status))
	word(string(r.Reason) != "OK", "reason="+string(r.Reason))
	word(r.Framing == FramingLength, fmt.Sprintf("length=%d", r.Length))
	word(r.Framing == FramingChunked, "chunked")
	word(r.Framing == FramingClose, "until-close")
	word(r.Declared >= 0 && r.Declared != r.Length, fmt.Sprintf("declared=%d", r.Declared))
	word(!r.KeepAlive, "close")
	word(r.WebSocket, "websocket")
	return strings.Join(words, " ")
}

// Heads of responses that are accepted. A head that begins with "HEAD " is the
// answer to HEAD.
var acceptedResponses = []struct{ head, verdict, fields string }{
	// Status lines, RFC 9112 section 4.
	{"HTTP/1.1 200 OK¶Content-Length: 0¶¶", "", same},
	{"HTTP/1.1 200 ¶Content-Length: 0¶¶", "reason=", same},
	{"HTTP/1.1 200¶Content-Length: 0¶¶", "reason=", same},
	{"HTTP/1.1 299 Quite  fine, \tü\xff¶Content-Length: 0¶¶", "299 reason=Quite  fine, \tü\xff", same},
	{"HTTP/1.1 999 OK¶Content-Length: 0¶¶", "999", same},
	{"HTTP/1.1 600 OK¶Content-Length: 1¶¶", "600 length=1", same},
	{"HTTP/1.0 200 OK¶Content-Length: 5¶¶", "1.0 length=5 close", same},
	{"HTTP/1.0 200 OK¶¶", "1.0 until-close close", ""},
	{"HTTP/1.1 200 OK¶¶", "until-close close", ""},
	// Framing, RFC 9112 section 6.3.
	{"HTTP/1.1 200 OK¶Content-Length: 5¶¶", "length=5", same},
	{"HTTP/1.1 200 OK¶content-length:\t0005 ¶¶", "length=5", same},
	{"HTTP/1.1 200 OK¶Content-Length: 999999999999999999¶¶", "length=999999999999999999", same},
	{"HTTP/1.1 200 OK¶Transfer-Encoding: chunked¶¶", "chunked", ""},
	{"HTTP/1.1 200 OK¶A: 1¶transfer-encoding:CHUNKED¶B: 2¶¶", "chunked", "A: 1¶B: 2¶"},
	{"HTTP/1.1 200 OK¶Trailer: X¶Transfer-Encoding: chunked¶¶", "chunked", "Trailer: X¶"},
	{"HTTP/1.1 200 OK¶Trailer: X¶Content-Length: 5¶¶", "length=5", "Content-Length: 5¶"},
	{"HTTP/1.1 200 OK¶X: 1¶Connection: close¶¶", "until-close close", "X: 1¶"},
	{"HTTP/1.1 200 OK¶Connection: keep-alive¶¶", "until-close close", ""},
	{"HTTP/1.1 201 OK¶Content-Length: 5¶¶", "201 length=5", same},
	{"HTTP/1.1 404 OK¶Content-Length: 5¶¶", "404 length=5", same},
	{"HTTP/1.1 500 OK¶¶", "500 until-close close", ""},
	{"HTTP/1.1 205 OK¶Content-Length: 0¶¶", "205", same},
	// No body, whatever is declared.
	{"HTTP/1.1 204 OK¶¶", "204", ""},
	{"HTTP/1.1 304 OK¶Content-Length: 5¶ETag: x¶¶", "304 declared=5", same},
	{"HTTP/1.1 304 OK¶Transfer-Encoding: chunked¶¶", "304", ""},
	{"HTTP/1.1 304 OK¶¶", "304", ""},
	{"HEAD HTTP/1.1 200 OK¶Content-Length: 5¶¶", "declared=5", same},
	{"HEAD HTTP/1.1 200 OK¶Transfer-Encoding: chunked¶¶", "", ""},
	{"HEAD HTTP/1.1 200 OK¶¶", "", ""},
	{"HEAD HTTP/1.0 200 OK¶Connection: keep-alive¶¶", "1.0", ""},
	{"HEAD HTTP/1.1 404 OK¶Content-Length: 0¶¶", "404", same},
	{"HTTP/1.1 100 Continue¶¶", "100 reason=Continue", ""},
	{"HTTP/1.1 103 OK¶Link: </a>; rel=preload¶Link: </b>¶¶", "103", same},
	// Connection.
	{"HTTP/1.1 200 OK¶Content-Length: 5¶Connection: close¶¶", "length=5 close", "Content-Length: 5¶"},
	{"HTTP/1.1 200 OK¶Content-Length: 5¶Connection: keep-alive, CLOSE¶¶", "length=5 close", "Content-Length: 5¶"},
	{"HTTP/1.1 200 OK¶Content-Length: 5¶Connection: keep-alive¶Connection: close¶Keep-Alive: 5¶¶", "length=5 close", "Content-Length: 5¶"},
	{"HTTP/1.0 200 OK¶Content-Length: 5¶Connection: Keep-Alive¶Keep-Alive: timeout=5¶¶", "1.0 length=5", "Content-Length: 5¶"},
	{"HTTP/1.0 200 OK¶Content-Length: 5¶Connection: keep-alive, close¶¶", "1.0 length=5 close", "Content-Length: 5¶"},
	{"HTTP/1.1 200 OK¶Content-Length: 5¶Connection: X, y¶x: 1¶Y: 2¶Z: 3¶X: 4¶¶", "length=5", "Content-Length: 5¶Z: 3¶"},
	{"HTTP/1.1 200 OK¶Content-Length: 5¶Connection: Content-Length¶¶", "length=5", "Content-Length: 5¶"},
	{"HTTP/1.1 200 OK¶Content-Length: 5¶Proxy-Connection: close¶TE: x¶Upgrade: h2c¶¶", "length=5", "Content-Length: 5¶"},
	// Upgrades.
	{"HTTP/1.1 101 OK¶Connection: Upgrade¶Upgrade: WebSocket¶Sec-WebSocket-Accept: x¶¶", "101 websocket", "Sec-WebSocket-Accept: x¶"},
	{"HTTP/1.1 101 OK¶Upgrade: websocket¶¶", "101", ""},
	{"HTTP/1.1 101 OK¶Connection: upgrade¶Upgrade: h2c¶¶", "101", ""},
	{"HTTP/1.1 200 OK¶Connection: upgrade¶Upgrade: websocket¶Content-Length: 0¶¶", "", "Content-Length: 0¶"},
	{"HTTP/1.1 426 OK¶Connection: upgrade¶Upgrade: websocket¶Content-Length: 0¶¶", "426", "Content-Length: 0¶"},
	// Fields pass byte for byte.
	{"HTTP/1.1 200 OK¶Set-Cookie: b=1¶X:¶content-length:0¶Set-Cookie: a=2; HttpOnly¶Date: x¶Server: \t y \t¶¶", "", same},
	{"HTTP/1.1 200 OK¶Content-Length: 0¶Content-Encoding: gzip¶X: \xff\x80¶!#$%&'*+-.^_`|~: 1¶¶", "", same},
	{"HTTP/1.1 200 OK¶Content-Length: 0¶WWW-Authenticate: Negotiate¶Proxy-Authenticate: Basic¶Location: //b¶¶", "", same},
	{"HTTP/1.1 204 OK¶Content-Length: 0¶X: 1¶¶", "204", "X: 1¶"},
}

var refusedResponses = []refusals{
	{ErrStatusLine, []string{
		"¶¶", "¶HTTP/1.1 200 OK¶¶", "\nHTTP/1.1 200 OK¶¶", "HTTP/1.1 200 OK\n\n", "HTTP/1.1¶¶", "HTTP/1.1 ¶¶", "HTTP/1.1 20¶¶", "HTTP/1.1 20 OK¶¶", "HTTP/1.1 2000 OK¶¶", "HTTP/1.1 200OK¶¶",
		"HTTP/1.1 099 OK¶¶", "HTTP/1.1 000 OK¶¶", "HTTP/1.1 +20 OK¶¶", "HTTP/1.1 -20 OK¶¶", "HTTP/1.1 2x0 OK¶¶", "HTTP/1.1  200 OK¶¶", "HTTP/1.1\t200 OK¶¶", " HTTP/1.1 200 OK¶¶", "HTTP/1.1 200\tOK¶¶",
		"HTTP/1.2 200 OK¶¶", "HTTP/2.0 200 OK¶¶", "HTTP/0.9 200 OK¶¶", "HTTP/2 200¶¶", "http/1.1 200 OK¶¶", "HTTPS/1.1 200 OK¶¶", "ICY 200 OK¶¶", "HTTP/1.1.1 200 OK¶¶", "HTTP/11 200 OK¶¶",
		"HTTP/1.1 200 O\x00K¶¶", "HTTP/1.1 200 OK\r¶¶", "HTTP/1.1 200 \x1b[31m¶¶", "HTTP/1.1 200 OK\x7f¶¶", "<html>", "GET / HTTP/1.1¶¶", "SSH-2.0-x¶", "\x15\x03\x01\x00\x02", "+OK ready¶", "\x00", "HTTP/1.1: 200¶¶",
	}},
	{ErrResponseField, []string{
		"HTTP/1.1 200 OK¶X : a¶¶", "HTTP/1.1 200 OK¶Content-Length : 5¶¶", "HTTP/1.1 200 OK¶X¶¶", "HTTP/1.1 200 OK¶: a¶¶", "HTTP/1.1 200 OK¶X Y: a¶¶", "HTTP/1.1 200 OK¶X: a¶ b¶¶", "HTTP/1.1 200 OK¶ X: a¶¶",
		"HTTP/1.1 200 OK¶X: a\x00¶¶", "HTTP/1.1 200 OK¶X: a\rY: b¶¶", "HTTP/1.1 200 OK¶X: \x7f¶¶", "HTTP/1.1 200 OK¶X: 0123456701234567\x01¶¶", "HTTP/1.1 200 OK¶HTTP/1.1 200 OK¶¶", "HTTP/1.1 200 OK¶ü: a¶¶",
	}},
	{ErrResponseLineEnd, []string{"HTTP/1.1 200 OK¶X: a\nY: b¶¶", "HTTP/1.1 200 OK¶\n", "HTTP/1.1 200 OK¶X: a\n\n", "HTTP/1.1 200 OK¶X: a¶\n"}},
	{ErrResponseLength, []string{
		"HTTP/1.1 200 OK¶Content-Length:¶¶", "HTTP/1.1 200 OK¶Content-Length: +5¶¶", "HTTP/1.1 200 OK¶Content-Length: -5¶¶", "HTTP/1.1 200 OK¶Content-Length: 5, 5¶¶", "HTTP/1.1 200 OK¶Content-Length: 0x5¶¶",
		"HTTP/1.1 200 OK¶Content-Length: 5¶Content-Length: 5¶¶", "HTTP/1.1 200 OK¶Content-Length: 5¶content-length: 6¶¶", "HTTP/1.1 200 OK¶Content-Length: 99999999999999999999¶¶", "HTTP/1.1 304 OK¶Content-Length: x¶¶",
		"HEAD HTTP/1.1 200 OK¶Content-Length: x¶¶", "HTTP/1.1 204 OK¶Content-Length: -1¶¶",
	}},
	{ErrResponseCoding, []string{
		"HTTP/1.1 200 OK¶Transfer-Encoding: identity¶¶", "HTTP/1.1 200 OK¶Transfer-Encoding: gzip, chunked¶¶", "HTTP/1.1 200 OK¶Transfer-Encoding: chunked¶Transfer-Encoding: chunked¶¶", "HTTP/1.1 200 OK¶Transfer-Encoding:¶¶",
		"HTTP/1.1 200 OK¶Transfer-Encoding: xchunked¶¶", "HTTP/1.1 200 OK¶Transfer-Encoding: chunked¶Content-Length: 5¶¶", "HTTP/1.1 200 OK¶Content-Length: 5¶Transfer-Encoding: chunked¶¶", "HTTP/1.0 200 OK¶Transfer-Encoding: chunked¶¶",
		"HEAD HTTP/1.1 200 OK¶Transfer-Encoding: gzip¶¶", "HTTP/1.1 304 OK¶Transfer-Encoding: chunked¶Content-Length: 5¶¶",
	}},
	{ErrResponseTooLong, []string{"HTTP/1.1 200 OK¶" + strings.Repeat("X: 1¶", maxResponseFields+1) + "¶"}},
}

func responseInput(s string) (input []byte, toHead bool) {
	s, toHead = strings.CutPrefix(s, "HEAD ")
	return crlf(s), toHead
}

func TestResponseAccepted(t *testing.T) {
	for _, tt := range acceptedResponses {
		t.Run(tt.head, func(t *testing.T) {
			input, toHead := responseInput(tt.head)
			var r Response
			n, err := r.Parse(append(bytes.Clone(input), "body"...), toHead)
			if err != nil || n != len(input) || string(r.Raw()) != string(input) {
				t.Fatalf("%d, %v; want %d", n, err, len(input))
			}
			if got := r.verdict(); got != tt.verdict {
				t.Errorf("verdict %q, want %q", got, tt.verdict)
			}
			want := tt.fields
			if want == same {
				want = string(input[bytes.IndexByte(input, '\n')+1 : len(input)-2])
			}
			if got := r.AppendFields([]byte("A: 0\r\n")); string(got) != "A: 0\r\n"+string(crlf(want)) {
				t.Errorf("fields\n%q, want\n%q", got, crlf(want))
			}
		})
	}
}

func TestResponseRefused(t *testing.T) {
	for _, tt := range refusedResponses {
		for _, head := range tt.inputs {
			input, toHead := responseInput(head)
			var r Response
			n, err := r.Parse(input, toHead)
			if n != 0 || !errors.Is(err, tt.err) {
				t.Errorf("Parse(%q) = %d, %v; want %v", input, n, err, tt.err)
			}
			if tt.err.Status != 502 {
				t.Errorf("%v is answered %d", tt.err, tt.err.Status)
			}
		}
	}
}

func TestResponsePiecemeal(t *testing.T) {
	check := func(head string) {
		input, toHead := responseInput(head)
		if len(input) > 1000 {
			return
		}
		var whole, r Response
		n, err := whole.Parse(input, toHead)
		for cut := range len(input) {
			got, partErr := r.Parse(input[:cut], toHead)
			if partErr != nil && partErr != err || got != 0 && (cut < n || err != nil) {
				t.Errorf("%q cut at %d: %d, %v; the whole: %d, %v", input, cut, got, partErr, n, err)
			}
		}
		again, againErr := r.Parse(input, toHead)
		if again != n || againErr != err || n > 0 && r.verdict() != whole.verdict() {
			t.Errorf("%q: %d, %v after its parts, else %d, %v", input, again, againErr, n, err)
		}
	}
	for _, tt := range acceptedResponses {
		check(tt.head)
	}
	for _, tt := range refusedResponses {
		for _, head := range tt.inputs {
			check(head)
		}
	}
}
