package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// decode feeds body to c in parts of the given size and returns the data, and
// how many bytes were dealt with.
func decode(c *Chunks, body []byte, size int) (data []byte, used int, err error) {
	for used < len(body) && !c.Done() {
		part := body[used:min(used+size, len(body))]
		run, n, err := c.Next(part)
		data = append(data, run...)
		used += n
		if err != nil {
			return data, used, err
		}
		if n < len(part) && len(run) == 0 && !c.Done() {
			return data, used, errors.New("neither data nor the end, but input left")
		}
	}
	return data, used, nil
}

// Bodies that are accepted; "_" ends the body, what follows belongs to the next.
var acceptedChunks = []struct{ body, data, trailer string }{
	{"0¶¶_", "", ""},
	{"00¶¶_", "", ""},
	{"000000000000000¶¶_", "", ""},
	{"5¶hello¶0¶¶_", "hello", ""},
	{"5¶hello¶6¶ world¶0¶¶_", "hello world", ""},
	{"05¶hello¶0¶¶_", "hello", ""},
	{"000000000000005¶hello¶0¶¶_", "hello", ""},
	{"a¶0123456789¶0¶¶_", "0123456789", ""},
	{"A¶0123456789¶0¶¶_", "0123456789", ""},
	{"1A¶abcdefghijklmnopqrstuvwxyz¶0¶¶_", "abcdefghijklmnopqrstuvwxyz", ""},
	{"2¶\r\n¶0¶¶_", "\r\n", ""},
	{"5¶0\r\n\r\n¶0¶¶_", "0\r\n\r\n", ""},
	{"1¶\x00¶1¶\xff¶0¶¶_", "\x00\xff", ""},
	{"5;a¶hello¶0¶¶_", "hello", ""},
	{"5;¶hello¶0¶¶_", "hello", ""},
	{"5;a=b;c=\"d e\";f¶hello¶0;x¶¶_", "hello", ""},
	{"5; a = b¶hello¶0¶¶_", "hello", ""},
	{"5;\ta=\xff¶hello¶0¶¶_", "hello", ""},
	{"5;" + strings.Repeat("a", 1000) + "¶hello¶0¶¶_", "hello", ""},
	{"0¶X: 1¶¶_", "", "X: 1¶"},
	{"5¶hello¶0¶X: 1¶y:2¶Z:¶¶_", "hello", "X: 1¶y:2¶Z:¶"},
	{"0¶Content-Length: 5¶Transfer-Encoding: x¶¶_", "", "Content-Length: 5¶Transfer-Encoding: x¶"},
	{"0¶¶_0¶¶", "", ""},
	{"0¶¶_GET / HTTP/1.1¶¶", "", ""},
	{"0¶¶_\r\n", "", ""},
	{"0¶X: 1¶¶_¶", "", "X: 1¶"},
}

// Bodies that are refused: at "!", or before where a slice is looked at as a whole.
var refusedChunks = []refusals{
	{ErrChunk, []string{
		"!¶", "!¶¶", "! 5¶hello¶0¶¶", "!\n", "!x", "!;a¶", "!-5¶hello¶0¶¶", "!+5¶hello¶0¶¶", "0!x5¶hello¶0¶¶", "0!X5¶hello¶0¶¶", "5! ¶hello¶0¶¶", "5!\t¶hello¶0¶¶", "5! ;a¶hello¶0¶¶",
		"5!\nhello¶0¶¶", "5\r!hello¶0¶¶", "5\r!\r\nhello¶0¶¶", "5!\x00¶hello¶0¶¶", "5!g¶hello¶0¶¶", "5!,5¶hello¶0¶¶", "5!.0¶", "5!_0¶", "!\x00", "!\"5\"¶hello¶0¶¶", "!\xef\xbc\x95¶hello¶",
		"000000000000000!5¶hello¶0¶¶", "fffffffffffffff!f¶", "123456789012345!6¶", "5¶hello!0¶¶", "5¶hello!!¶0¶¶", "5¶hello!\n0¶¶", "5¶hello\r!0¶¶", "5¶hello\r!\r\n0¶¶", "5¶hello! ¶0¶¶", "4¶hell!o¶0¶¶",
		"5;a!\nb¶hello¶0¶¶", "5;a\r!b¶hello¶0¶¶", "5;a!\x00¶hello¶0¶¶", "5;\"!\n\"¶", "5;a!\x7f¶", "5;\r!\r\n", "5;" + strings.Repeat("a", 1024) + "!a¶hello¶0¶¶", "0;!\n¶", "0!\n\n", "0\r!¶", "5¶hello¶!¶",
		"5¶hello¶!GET / HTTP/1.1¶¶", "5¶hello¶!-0¶¶", "2;!\nxx¶4c¶0¶¶GET /admin HTTP/1.1¶¶0¶¶",
	}},
	{ErrTrailer, []string{
		"0¶\n", "0¶X: 1\n¶", "0¶X: 1¶\n", "0¶X¶¶", "0¶X : 1¶¶", "0¶ X: 1¶¶", "0¶X: 1¶ 2¶¶", "0¶: 1¶¶", "0¶X: \x00¶¶", "0¶X: a\rb¶¶", "0¶GET / HTTP/1.1¶¶", "0¶5¶hello¶0¶¶", "0¶ü: 1¶¶",
		"0¶X: " + strings.Repeat("a", maxTrailer) + "¶¶", "0¶" + strings.Repeat("a", maxTrailer+1), "0¶" + strings.Repeat("X: 1¶", 65) + "¶",
	}},
}

func TestChunksAccepted(t *testing.T) {
	for _, tt := range acceptedChunks {
		body, rest, _ := strings.Cut(tt.body, "_")
		want := len(crlf(body))
		input := crlf(body + rest)
		for size := 1; size <= len(input); size++ {
			var c Chunks
			data, used, err := decode(&c, input, size)
			if err != nil || !c.Done() || used != want || string(data) != tt.data {
				t.Fatalf("%q in parts of %d: data %q, %d bytes used, done %v, %v", input, size, data, used, c.Done(), err)
			}
			if got := c.Trailer(); string(got) != string(crlf(tt.trailer)) {
				t.Errorf("%q in parts of %d: trailer %q, want %q", input, size, got, tt.trailer)
			}
			if data, n, err := c.Next(input); len(data) > 0 || n != 0 || err != nil {
				t.Errorf("%q: Next after the end: %q, %d, %v", input, data, n, err)
			}
		}
		for cut := range want {
			var c Chunks
			if _, used, err := decode(&c, input[:cut], cut+1); err != nil || used != cut || c.Done() {
				t.Errorf("%q cut at %d: %d bytes used, done %v, %v", input, cut, used, c.Done(), err)
			}
		}
	}
}

func TestChunksRefused(t *testing.T) {
	for _, tt := range refusedChunks {
		for _, body := range tt.inputs {
			at := len(crlf(body[:max(strings.IndexByte(body, '!'), 0)]))
			input := crlf(strings.Replace(body, "!", "", 1))
			for _, size := range []int{1, 2, 3, 7, len(input)} {
				var c Chunks
				_, used, err := decode(&c, input, size)
				if !errors.Is(err, tt.err) || c.Done() {
					t.Errorf("%.80q in parts of %d: %v, want %v", input, size, err, tt.err)
				}
				if tt.err == ErrChunk && used != at {
					t.Errorf("%.80q in parts of %d: refused at %d, want %d", input, size, used, at)
				}
			}
			if tt.err == ErrChunk {
				var c Chunks
				if _, _, err := decode(&c, input[:at+1], 1); !errors.Is(err, tt.err) {
					t.Errorf("%.80q: not refused at its byte %d: %v", input, at, err)
				}
			}
		}
	}
}

func TestChunksReset(t *testing.T) {
	var c Chunks
	for _, tt := range acceptedChunks {
		c.Reset()
		body, _, _ := strings.Cut(tt.body, "_")
		if data, _, err := decode(&c, crlf(body), 1<<20); err != nil || string(data) != tt.data || string(c.Trailer()) != string(crlf(tt.trailer)) {
			t.Errorf("%q: %q, trailer %q, %v", body, data, c.Trailer(), err)
		}
	}
	_, _, _ = c.Next([]byte("5;x"))
	c.Reset()
	if data, _, err := decode(&c, crlf("1¶a¶0¶¶"), 1<<20); err != nil || string(data) != "a" {
		t.Errorf("after an unfinished body: %q, %v", data, err)
	}
}

func TestAppendChunkHead(t *testing.T) {
	for n, want := range map[int]string{1: "1", 9: "9", 10: "a", 15: "f", 16: "10", 255: "ff", 256: "100", 4096: "1000", 1<<31 - 1: "7fffffff", 0xabcdef: "abcdef"} {
		if got := string(AppendChunkHead([]byte("x"), n)); got != "x"+want+"\r\n" {
			t.Errorf("AppendChunkHead(%d) = %q", n, got)
		}
		var c Chunks
		data, _, err := decode(&c, append(AppendChunkHead(nil, n), 'a'), 1<<20)
		if err != nil || string(data) != "a" || c.left != int64(n-1) {
			t.Errorf("AppendChunkHead(%d) is read as %d, %v", n, c.left+1, err)
		}
	}
}

func TestAppendTrailer(t *testing.T) {
	for _, tt := range []struct{ trailer, want string }{
		{"", ""},
		{"X: 1¶", "X: 1¶"},
		{"Grpc-Status: 0¶grpc-message:¶Server-Timing: x¶Digest: y¶", same},
		{"X: 1¶Content-Length: 5¶Y: 2¶transfer-encoding: chunked¶HOST: b¶Z: 3¶", "X: 1¶Y: 2¶Z: 3¶"},
		{"Connection: close¶Trailer: X¶TE: x¶Upgrade: x¶Keep-Alive: x¶Expect: x¶", ""},
		{"X-Forwarded-For: 1¶X-Forwarded-Host: b¶X-Forwarded-Proto: x¶Forwarded: x¶", ""},
		{"Authorization: x¶Proxy-Authorization: x¶Cookie: a¶Set-Cookie: a¶Location: /¶Content-Type: x¶Content-Encoding: gzip¶Cache-Control: x¶", ""},
		{"Date: x¶Age: 1¶Vary: x¶Range: x¶WWW-Authenticate: x¶Content-Range: x¶", ""},
	} {
		want := tt.want
		if want == same {
			want = tt.trailer
		}
		if got := AppendTrailer([]byte("A: 1\r\n"), crlf(tt.trailer)); !bytes.Equal(got, crlf("A: 1¶"+want)) {
			t.Errorf("AppendTrailer(%q) = %q", tt.trailer, got)
		}
	}
}
