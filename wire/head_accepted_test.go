package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// verdict names what differs from a plain HTTP/1.1 GET of an origin-form target
// without a body on a connection that is kept.
func (h *Head) verdict() string {
	var words []string
	word := func(on bool, w string) {
		if on {
			words = append(words, w)
		}
	}
	word(h.Minor == 0, "1.0")
	word(!bytes.Equal(h.Origin, h.Target), "origin="+string(h.Origin))
	word(string(h.Host) != "a", "host="+string(h.Host))
	word(h.Length < 0, "chunked")
	word(h.Length > 0, fmt.Sprintf("length=%d", h.Length))
	word(h.Framed && h.Length == 0, "empty")
	word(!h.Framed && h.Length != 0, "unframed")
	word(!h.KeepAlive, "close")
	word(h.Expect100, "expect")
	word(h.WebSocket, "websocket")
	word(h.Trailers, "trailers")
	return strings.Join(words, " ")
}

// same says that all fields travel on as they came.
const same = "="

// Heads that are accepted, the conclusions from them, and the fields that go on to
// a target; "+" stands for the three forwarding fields, for host a.
var acceptedHeads = []struct{ head, verdict, fields string }{
	// Targets, RFC 9112 section 3.2.
	{"GET / HTTP/1.1¶Host: a¶¶", "", same},
	{"GET /a/b?c=d&e HTTP/1.1¶Host: a¶¶", "", same},
	{"GET /? HTTP/1.1¶Host: a¶¶", "", same},
	{"GET //a//b HTTP/1.1¶Host: a¶¶", "", same},
	{"GET /a/../%2e%2e/%00%zz% HTTP/1.1¶Host: a¶¶", "", same},
	{"GET /\"<>\\^`{|}[] HTTP/1.1¶Host: a¶¶", "", same},
	{"GET /ü\xff HTTP/1.1¶Host: a¶¶", "", same},
	{"GET /:80@b HTTP/1.1¶Host: a¶¶", "", same},
	{"GET /http://b/ HTTP/1.1¶Host: a¶¶", "", same},
	{"OPTIONS * HTTP/1.1¶Host: a¶¶", "", same},
	{"GET http://b/x?y HTTP/1.1¶Host: a¶¶", "origin=/x?y host=b", "Host: b¶+"},
	{"GET http://a/ HTTP/1.1¶X: 1¶Host: b¶Y: 2¶¶", "origin=/", "X: 1¶Host: a¶Y: 2¶+"},
	{"GET http://b HTTP/1.1¶Host: a¶¶", "origin=/ host=b", "Host: b¶+"},
	{"GET http://b?x HTTP/1.1¶Host: a¶¶", "origin=/?x host=b", "Host: b¶+"},
	{"GET HTTPS://B:443//x HTTP/1.1¶Host: a¶¶", "origin=//x host=B:443", "Host: B:443¶+"},
	{"GET http://[::1]:80/ HTTP/1.1¶Host: a¶¶", "origin=/ host=[::1]:80", "Host: [::1]:80¶+"},
	{"GET http://b/ HTTP/1.0¶¶", "1.0 origin=/ host=b close", "Host: b¶+"},
	{"OPTIONS http://b HTTP/1.1¶Host: a¶¶", "origin=* host=b", "Host: b¶+"},
	{"OPTIONS http://b/ HTTP/1.1¶Host: a¶¶", "origin=/ host=b", "Host: b¶+"},
	{"OPTIONS http://b?x HTTP/1.1¶Host: a¶¶", "origin=/?x host=b", "Host: b¶+"},
	// Methods are case-sensitive tokens.
	{"get / HTTP/1.1¶Host: a¶¶", "", same},
	{"M-SEARCH / HTTP/1.1¶Host: a¶¶", "", same},
	{"!#$%&'*+-.^_`|~ / HTTP/1.1¶Host: a¶¶", "", same},
	{"PRI / HTTP/1.1¶Host: a¶¶", "", same},
	{"connect / HTTP/1.1¶Host: a¶¶", "", same},
	// Empty lines before, RFC 9112 section 2.2.
	{"¶GET / HTTP/1.1¶Host: a¶¶", "", same},
	{"¶¶GET / HTTP/1.1¶Host: a¶¶", "", same},
	// Hosts.
	{"GET / HTTP/1.1¶Host:a¶¶", "", same},
	{"GET / HTTP/1.1¶Host: \t a \t ¶¶", "", same},
	{"GET / HTTP/1.1¶hOST: a¶¶", "", same},
	{"GET / HTTP/1.1¶X: 1¶Host: A.b_C-d~:8080¶¶", "host=A.b_C-d~:8080", same},
	{"GET / HTTP/1.1¶Host: [2001:db8::1]¶¶", "host=[2001:db8::1]", same},
	{"GET / HTTP/1.0¶¶", "1.0 host= close", "+"},
	{"GET / HTTP/1.0¶Host: a¶¶", "1.0 close", same},
	// Fields pass byte for byte.
	{"GET / HTTP/1.1¶Host: a¶X:¶Y: ¶z:\t1 \t¶¶", "", same},
	{"GET / HTTP/1.1¶Host: a¶B: 2¶A: 1¶b: 3¶A: 1¶¶", "", same},
	{"GET / HTTP/1.1¶Cookie: a=1¶Host: a¶Cookie: b=2; c¶¶", "", same},
	{"GET / HTTP/1.1¶Host: a¶X: \x80\xff ü¶¶", "", same},
	{"GET / HTTP/1.1¶Host: a¶X: a\tb\tc\td\te\tf¶¶", "", same},
	{"GET / HTTP/1.1¶Host: a¶!#$%&'*+-.^_`|~0: a¶¶", "", same},
	{"GET / HTTP/1.1¶Host: a¶X: :a: b:¶¶", "", same},
	{"GET / HTTP/1.1¶Host: a¶Date: x¶Authorization: Basic x¶Range: bytes=0-¶Content-Encoding: gzip¶¶", "", same},
	{"GET / HTTP/1.1¶Host: a¶Content_Length: 5¶Transfer_Encoding: chunked¶¶", "", same},
	{"GET / HTTP/1.1¶Host: a¶X-Content-Length: 5¶¶", "", same},
	// Framing, RFC 9112 section 6.
	{"POST / HTTP/1.1¶Host: a¶Content-Length: 5¶¶", "length=5", same},
	{"POST / HTTP/1.1¶Host: a¶content-length:0¶¶", "empty", "Host: a¶content-length: 0¶+"},
	{"POST / HTTP/1.1¶Host: a¶Content-Length: \t0005 ¶X: 1¶¶", "length=5", "Host: a¶Content-Length: 5¶X: 1¶+"},
	{"POST / HTTP/1.1¶Host: a¶Content-Length: 999999999999999999¶¶", "length=999999999999999999", same},
	{"GET / HTTP/1.1¶Host: a¶Content-Length: 5¶¶", "length=5", same},
	{"POST / HTTP/1.0¶Host: a¶Content-Length: 5¶¶", "1.0 length=5 close", same},
	{"POST / HTTP/1.1¶Host: a¶Transfer-Encoding: chunked¶¶", "chunked", same},
	{"POST / HTTP/1.1¶Host: a¶transfer-ENCODING:\tChunKed¶X: 1¶¶", "chunked", "Host: a¶transfer-ENCODING: chunked¶X: 1¶+"},
	{"GET / HTTP/1.1¶Transfer-Encoding: chunked¶Host: a¶¶", "chunked", same},
	{"POST / HTTP/1.1¶Host: a¶Content-Length: 5¶Connection: Content-Length¶¶", "length=5", "Host: a¶Content-Length: 5¶+"},
	{"POST / HTTP/1.1¶Host: a¶Transfer-Encoding: chunked¶Connection: transfer-encoding¶¶", "chunked", "Host: a¶Transfer-Encoding: chunked¶+"},
	// Connection, RFC 9110 section 7.6.1.
	{"GET / HTTP/1.1¶Host: a¶Connection: close¶¶", "close", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: CLOSE¶¶", "close", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: keep-alive¶Keep-Alive: timeout=5¶¶", "", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: keep-alive, close¶¶", "close", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: ,, close\t,¶¶", "close", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: keep-alive¶Connection: close¶¶", "close", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: closed¶¶", "", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection:¶¶", "", "Host: a¶+"},
	{"GET / HTTP/1.0¶Host: a¶Connection: Keep-Alive¶¶", "1.0", "Host: a¶+"},
	{"GET / HTTP/1.0¶Host: a¶Connection: x¶Connection: keep-alive¶¶", "1.0", "Host: a¶+"},
	{"GET / HTTP/1.0¶Host: a¶Connection: keep-alive, close¶¶", "1.0 close", "Host: a¶+"},
	{"GET / HTTP/1.1¶X: 1¶Host: a¶Connection: x, Y¶y: 2¶Z: 3¶X: 4¶¶", "", "Host: a¶Z: 3¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: host, cookie¶Cookie: 1¶¶", "", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: close, X-Forwarded-For¶¶", "close", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Proxy-Connection: close¶¶", "", "Host: a¶+"},
	// Other hop-by-hop fields.
	{"GET / HTTP/1.1¶Host: a¶Proxy-Authorization: Basic x¶X: 1¶¶", "", "Host: a¶X: 1¶+"},
	{"GET / HTTP/1.1¶Host: a¶TE: gzip¶¶", "", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶TE: gzip;q=0.5, Trailers¶TE: trailers¶Connection: TE¶¶", "trailers", "Host: a¶TE: trailers¶Connection: TE¶+"},
	{"GET / HTTP/1.1¶Host: a¶Trailer: X¶¶", "", "Host: a¶+"},
	{"POST / HTTP/1.1¶Host: a¶Trailer: X¶Transfer-Encoding: chunked¶¶", "chunked", same},
	// Upgrades: WebSocket only (RFC 6455 section 4.1), never h2c.
	{"GET / HTTP/1.1¶Host: a¶Connection: Upgrade¶Upgrade: websocket¶Content-Length: 1¶¶", "length=1", "Host: a¶Content-Length: 1¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: Upgrade¶Upgrade: WebSocket¶Sec-WebSocket-Key: x¶¶", "websocket", "Host: a¶Sec-WebSocket-Key: x¶Connection: Upgrade¶Upgrade: websocket¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: keep-alive, upgrade¶Upgrade: websocket¶¶", "websocket", "Host: a¶Connection: Upgrade¶Upgrade: websocket¶+"},
	{"GET / HTTP/1.1¶Host: a¶Upgrade: websocket¶¶", "", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: upgrade¶¶", "", "Host: a¶+"},
	{"POST / HTTP/1.1¶Host: a¶Connection: upgrade¶Upgrade: websocket¶¶", "", "Host: a¶+"},
	{"GET / HTTP/1.0¶Host: a¶Connection: upgrade¶Upgrade: websocket¶¶", "1.0 close", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: Upgrade, HTTP2-Settings¶Upgrade: h2c¶HTTP2-Settings: AAMAAABk¶¶", "", "Host: a¶+"},
	{"GET / HTTP/1.1¶Host: a¶Connection: upgrade¶Upgrade: websocket, h2c¶¶", "", "Host: a¶+"},
	// Expect, RFC 9110 section 10.1.1.
	{"POST / HTTP/1.1¶Host: a¶Expect: 100-Continue¶Content-Length: 5¶¶", "length=5 expect", "Host: a¶Content-Length: 5¶+"},
	{"POST / HTTP/1.0¶Host: a¶Expect: 100-continue¶Content-Length: 5¶¶", "1.0 length=5 close", "Host: a¶Content-Length: 5¶+"},
	{"POST / HTTP/1.1¶Host: a¶Expect: 100-continue¶Expect: 100-continue¶¶", "expect", "Host: a¶+"},
	// What an untrusted client says about itself is replaced.
	{"GET / HTTP/1.1¶Host: a¶X-Forwarded-For: 1.2.3.4¶x-forwarded-proto: https¶X-FORWARDED-HOST: b¶Forwarded: for=b¶X-Real-IP: 1¶¶", "", "Host: a¶X-Real-IP: 1¶+"},
}

var forwardedAlike = Forwarding{Client: []byte("192.0.2.7"), Proto: "http"}

func TestHeadAccepted(t *testing.T) {
	for _, tt := range acceptedHeads {
		t.Run(tt.head, func(t *testing.T) {
			input := crlf(tt.head)
			var h Head
			n, err := h.Parse(append(bytes.Clone(input), "GET /next"...), testLimits)
			if err != nil || n != len(input) {
				t.Fatalf("%d, %v; want %d", n, err, len(input))
			}
			if got := h.verdict(); got != tt.verdict {
				t.Errorf("verdict %q, want %q", got, tt.verdict)
			}
			want := tt.fields
			if want == same {
				head := string(h.Raw())
				want = head[strings.Index(head, "\r\n")+2:len(head)-2] + "+"
			}
			added := "X-Forwarded-For: 192.0.2.7¶X-Forwarded-Host: " + string(h.Host) + "¶X-Forwarded-Proto: http¶"
			if len(h.Host) == 0 {
				added = "X-Forwarded-For: 192.0.2.7¶X-Forwarded-Proto: http¶"
			}
			if strings.HasSuffix(want, "+") {
				want = strings.TrimSuffix(want, "+") + added
			}
			if got := h.AppendFields(nil, nil, &forwardedAlike); string(got) != string(crlf(want)) {
				t.Errorf("fields\n%q, want\n%q", got, crlf(want))
			}
			sameAsNetHTTP(t, &h)
		})
	}
}

func TestAppendFieldsForwarding(t *testing.T) {
	for _, tt := range []struct {
		name, fields, host string
		fwd                Forwarding
		want               string
	}{
		{"aliases", "X_Forwarded-For: 1¶x_forwarded_host: b¶X-Forwarded_Proto: c¶X_Y: d¶", "", Forwarding{Client: []byte("::1"), Proto: "http"}, "Host: a¶X_Y: d¶X-Forwarded-For: ::1¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶"},
		{"trusted, aliases", "X_Forwarded_For: 1¶", "", Forwarding{Client: []byte("::1"), Proto: "http", Trusted: true}, "Host: a¶X_Forwarded_For: 1¶X-Forwarded-For: ::1¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶"},
		{"no client", "", "", Forwarding{Proto: "https"}, "Host: a¶X-Forwarded-Host: a¶X-Forwarded-Proto: https¶"},
		{"other host", "X: 1¶", "b:81", Forwarding{Proto: "http"}, "Host: b:81¶X: 1¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶"},
		{"trusted, nothing sent", "", "", Forwarding{Client: []byte("::1"), Proto: "http", Trusted: true}, "Host: a¶X-Forwarded-For: ::1¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶"},
		{
			"trusted, all sent", "x-forwarded-for:1.2.3.4 ¶X-Forwarded-Proto: https¶X-Forwarded-Host: b¶Forwarded: for=b¶", "",
			Forwarding{Client: []byte("10.0.0.1"), Proto: "http", Trusted: true},
			"Host: a¶x-forwarded-for:1.2.3.4, 10.0.0.1¶X-Forwarded-Proto: https¶X-Forwarded-Host: b¶Forwarded: for=b¶",
		},
		{
			"trusted, several lines", "X-Forwarded-For: 1¶X: 1¶X-Forwarded-For: 2, 3¶", "", Forwarding{Client: []byte("4"), Proto: "http", Trusted: true},
			"Host: a¶X-Forwarded-For: 1¶X: 1¶X-Forwarded-For: 2, 3, 4¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶",
		},
		{
			"trusted, empty line", "X-Forwarded-For:¶", "", Forwarding{Client: []byte("4"), Proto: "http", Trusted: true},
			"Host: a¶X-Forwarded-For: 4¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶",
		},
		{
			"trusted, no client", "X-Forwarded-For: 1 ¶", "", Forwarding{Proto: "http", Trusted: true},
			"Host: a¶X-Forwarded-For: 1¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶",
		},
		{
			"trusted, nominated", "X-Forwarded-For: 1¶Connection: x-forwarded-for, x-forwarded-proto¶X-Forwarded-Proto: https¶", "", Forwarding{Client: []byte("4"), Proto: "http", Trusted: true},
			"Host: a¶X-Forwarded-For: 1, 4¶X-Forwarded-Proto: https¶X-Forwarded-Host: a¶",
		},
		{
			"no trace of ours", "traceparent: a¶Traceparent: b¶tracestate: c¶", "", Forwarding{Proto: "http"},
			"Host: a¶traceparent: a¶Traceparent: b¶tracestate: c¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶",
		},
		{
			"no trace of ours, nominated", "traceparent: a¶tracestate: c¶Connection: tracestate¶", "", Forwarding{Proto: "http"},
			"Host: a¶traceparent: a¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶",
		},
		{
			"trace", "traceparent: a¶TraceState: c¶Connection: tracestate¶Tracestate: d¶", "",
			Forwarding{Proto: "http", Trace: TraceContext{ID: [16]byte{0xab, 15: 1}, Span: [8]byte{0xcd}, Flags: 1}, TraceState: true},
			"Host: a¶TraceState: c¶Tracestate: d¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶traceparent: 00-ab000000000000000000000000000001-cd00000000000000-01¶",
		},
		{
			"trace without a state", "TRACEPARENT: a¶TraceState: c¶X: 1¶", "",
			Forwarding{Proto: "http", Trace: TraceContext{ID: [16]byte{1}, Span: [8]byte{2}}},
			"Host: a¶X: 1¶X-Forwarded-Host: a¶X-Forwarded-Proto: http¶traceparent: 00-01000000000000000000000000000000-0200000000000000-00¶",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h Head
			if _, err := h.Parse(crlf("GET / HTTP/1.1¶Host: a¶"+tt.fields+"¶"), testLimits); err != nil {
				t.Fatal(err)
			}
			var host []byte
			if tt.host != "" {
				host = []byte(tt.host)
			}
			if got := h.AppendFields(nil, host, &tt.fwd); string(got) != string(crlf(tt.want)) {
				t.Errorf("fields\n%q, want\n%q", got, crlf(tt.want))
			}
		})
	}
}

// At whichever byte a head is cut, the first part is not accepted and is refused
// only for what is in it; the whole then gets the same verdict from the same Head.
func TestHeadPiecemeal(t *testing.T) {
	check := func(input []byte) {
		var whole Head
		n, err := whole.Parse(input, testLimits)
		want := ""
		if err == nil && n > 0 {
			want = whole.verdict()
		}
		var h Head
		for cut := 0; cut < len(input); cut++ {
			got, partErr := h.Parse(input[:cut], testLimits)
			if partErr != nil && (err == nil || partErr != err && partErr != ErrMethod && partErr != ErrTLSHello) {
				t.Errorf("%q cut at %d: %v, the whole: %v", input, cut, partErr, err)
			}
			if got != 0 && (cut < n || err != nil) {
				t.Errorf("%q cut at %d is accepted", input, cut)
			}
		}
		again, againErr := h.Parse(input, testLimits)
		if again != n || againErr != err || n > 0 && h.verdict() != want {
			t.Errorf("%q: %d, %v %q after its parts, else %d, %v %q", input, again, againErr, h.verdict(), n, err, want)
		}
	}
	for _, tt := range acceptedHeads {
		check(crlf(tt.head))
	}
	for _, table := range []struct {
		before, after string
		all           []refusals
	}{{"", "¶Host: a¶¶", refusedLines}, {"POST / HTTP/1.1¶Host: a¶", "¶¶", refusedFields}, {"", "", refusedHeads}} {
		for _, tt := range table.all {
			for _, input := range tt.inputs {
				check(crlf(table.before + input + table.after))
			}
		}
	}
}

// A malformed line is refused once it is complete, without the rest of the head.
func TestHeadRefusedByLine(t *testing.T) {
	for _, tt := range refusedLines {
		for _, line := range tt.inputs {
			if tt.err != ErrTarget { // of which some show only beside the Host
				checkRefused(t, crlf(line+"¶"), tt.err)
			}
		}
	}
	for _, tt := range refusedFields {
		switch tt.err {
		case ErrFieldName, ErrFold, ErrFieldValue, ErrLineEnd:
			for _, fields := range tt.inputs {
				checkRefused(t, crlf("POST / HTTP/1.1¶Host: a¶"+fields+"¶"), tt.err)
			}
		}
	}
}
