package wire

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// sameAsNetHTTP checks that net/http accepts the head and reads it as we do.
func sameAsNetHTTP(t *testing.T, h *Head) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(h.Raw()), len(h.Raw())+16))
	if err != nil {
		if !netHTTPStricter(h) {
			t.Errorf("net/http refuses what was accepted: %v\nhead %q", err, h.Raw())
		}
		return
	}
	if r.Method != string(h.Method) {
		t.Errorf("net/http reads method %q, want %q", r.Method, h.Method)
	}
	if r.RequestURI != string(h.Target) {
		t.Errorf("net/http reads target %q, want %q", r.RequestURI, h.Target)
	}
	if r.Host != string(h.Host) {
		t.Errorf("net/http reads host %q, want %q", r.Host, h.Host)
	}
	if r.ContentLength != h.Length {
		t.Errorf("net/http reads length %d, want %d", r.ContentLength, h.Length)
	}
	if r.Close != !h.KeepAlive {
		t.Errorf("net/http reads Close %v, want %v of %q", r.Close, !h.KeepAlive, h.Raw())
	}
}

// netHTTPStricter tells why net/http refuses more than we do: it decodes the
// target, which we send on as it came; it wants an IPv6 address it can parse; and
// it refuses the names of framing fields in Trailer, which we filter when the
// trailer section comes.
func netHTTPStricter(h *Head) bool {
	if _, err := url.ParseRequestURI(string(h.Target)); err != nil {
		return true
	}
	name, _, _ := splitHost(h.Host)
	if len(name) > 0 && name[0] == '[' {
		if _, err := netip.ParseAddr(strings.Trim(string(name), "[]")); err != nil {
			return true
		}
	}
	for i := range h.Len() {
		if _, _, kind := h.Field(i); kind == KindTrailer {
			return true
		}
	}
	return false
}

// sameResponseAsNetHTTP checks that net/http accepts the head and reads it as we do.
func sameResponseAsNetHTTP(t *testing.T, r *Response, toHead bool) {
	t.Helper()
	method := "GET"
	if toHead {
		method = "HEAD"
	}
	got, err := http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(r.Raw()), len(r.Raw())+16), &http.Request{Method: method})
	if err != nil {
		if _, announced := r.Value("Trailer", 0); !announced {
			t.Errorf("net/http refuses what was accepted: %v\nhead %q", err, r.Raw())
		}
		return
	}
	if got.StatusCode != r.Status {
		t.Errorf("net/http reads status %d, want %d", got.StatusCode, r.Status)
	}
	want := map[Framing]int64{FramingLength: r.Length, FramingChunked: -1, FramingClose: -1}[r.Framing]
	if toHead {
		// It gives what is declared, which says nothing of the body.
		if want = r.Declared; want < 0 {
			return
		}
	}
	if r.Framing == FramingNone && r.coding {
		return // it tells how a body would have been framed
	}
	if got.ContentLength != want {
		t.Errorf("net/http reads length %d, want %d of %q", got.ContentLength, want, r.Raw())
	}
	if chunked := len(got.TransferEncoding) > 0; chunked != (r.Framing == FramingChunked) {
		t.Errorf("net/http reads chunked %v, want framing %d of %q", chunked, r.Framing, r.Raw())
	}
}

// sameChunksAsNetHTTP checks that net/http decodes the body to the same data. It
// wants less: it takes what we refuse, a bare LF or a space behind a size.
func sameChunksAsNetHTTP(t *testing.T, body, want []byte) {
	t.Helper()
	data, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body)))
	if err != nil || !bytes.Equal(data, want) {
		t.Errorf("net/http decodes %q to %q, %v; want %q", body, data, err, want)
	}
}
