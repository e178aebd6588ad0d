package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/mccutchen/go-httpbin/v2/httpbin"
)

// alikeRequest is one request, with one field at most.
type alikeRequest struct{ method, target, field string }

// alike are requests that go-httpbin answers the same each time.
var alike = []alikeRequest{
	{"GET", "/gzip", "Accept-Encoding: gzip"},
	{"GET", "/deflate", "Accept-Encoding: deflate"},
	{"GET", "/redirect/3", ""},
	{"GET", "/absolute-redirect/2", ""},
	{"GET", "/redirect-to?url=http%3A%2F%2Felsewhere.test%2Fa%3Fb%3Dc&status_code=308", ""},
	{"GET", "/cookies/set?z=1", ""},
	{"GET", "/cookies", "Cookie: a=1; b=\"two\"; a=3"},
	{"GET", "/cookies/delete?a", "Cookie: a=1"},
	{"GET", "/range/4096", "Range: bytes=10-99"},
	{"GET", "/range/4096", "Range: bytes=-7"},
	{"GET", "/range/4096", "Range: bytes=5000-"},
	{"GET", "/range/4096", ""},
	{"HEAD", "/head", ""},
	{"HEAD", "/range/4096", ""},
	{"HEAD", "/bytes/999?seed=1", ""},
	{"GET", "/bytes/70000?seed=7", ""},
	{"GET", "/stream-bytes/70000?seed=7&chunk_size=1000", ""},
	{"GET", "/stream/5", ""},
	{"GET", "/trailers?X-Sum=42", "TE: trailers"},
	{"GET", "/etag/abc", "If-None-Match: \"abc\""},
	{"GET", "/etag/abc", "If-Match: \"other\""},
	{"GET", "/cache", "If-Modified-Since: Sat, 01 Jan 2022 00:00:00 GMT"},
	{"GET", "/status/204", ""},
	{"GET", "/status/205", ""},
	{"GET", "/status/304", ""},
	{"GET", "/status/418", ""},
	{"DELETE", "/status/500", ""},
	{"OPTIONS", "/get", ""},
	{"GET", "/basic-auth/u/p", "Authorization: Basic dTpw"},
	{"GET", "/basic-auth/u/p", ""},
	{"GET", "/response-headers?X-A=1&X-A=2&x-b=%C3%A9", ""},
	{"GET", "/encoding/utf8", ""},
	{"GET", "/image/png", ""},
	{"GET", "/base64/aGVsbG8%3D", ""},
	{"GET", "/anything/a%2Fb//c;d?x=%20&y=+", ""},
	{"GET", "/nowhere", ""},
	{"POST", "/get", ""},
}

// TestAnswersAsWithoutProxy compares what clients see of go-httpbin through
// Sluice with what they see of it without.
func TestAnswersAsWithoutProxy(t *testing.T) {
	t.Parallel()
	// What Sluice adds to requests is not to be seen in the answers.
	bin := httptest.NewServer(httpbin.New(httpbin.WithExcludeHeaders("X-Forwarded-*,Connection")))
	defer bin.Close()
	target := bin.Listener.Addr().String()
	p := serve(t, proxyTo(target))
	c := client(t)
	for _, a := range alike {
		want, got := a.ask(t, c, target), a.ask(t, c, p.addr)
		if got != want {
			t.Errorf("%s %s %s\nthrough Sluice: %.600s\nwithout:        %.600s", a.method, a.target, a.field, got, want)
		}
	}
}

// ask tells everything about an answer that does not depend on when and where it
// was asked for.
func (a alikeRequest) ask(t *testing.T, c *http.Client, addr string) string {
	req, err := http.NewRequest(a.method, "http://"+addr+a.target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "bin.test"
	if name, value, ok := strings.Cut(a.field, ": "); ok {
		req.Header.Set(name, value)
	}
	got := do(t, c, req)
	got.Header.Del("Date")
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(got.Header)) {
		fields = append(fields, fmt.Sprintf("%s: %q", name, got.Header[name]))
	}
	return fmt.Sprintf("%s %d %q %v %v %q", got.Status, got.ContentLength, fields, got.TransferEncoding, got.Trailer, got.body)
}
