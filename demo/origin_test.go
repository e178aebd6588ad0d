package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// start runs an origin that is closed when the test ends.
func start(t testing.TB, opts Options) *Origin {
	t.Helper()
	o, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// client returns a client that dials o whatever the URL's host, and follows no
// redirect.
func client(t testing.TB, o *Origin) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			network, address := "tcp", o.Addr()
			if path, ok := strings.CutPrefix(address, "unix:"); ok {
				network, address = "unix", path
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get returns status, fields and body of the answer to one request.
func get(t *testing.T, o *Origin, method, target string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://origin.test"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t, o).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func TestAnswers(t *testing.T) {
	o := start(t, Options{Name: "blue"})
	for _, c := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/", 200, "blue: GET /\n"},
		{"PUT", "/a/%2F/../b?x=1&y", 200, "blue: PUT /a/%2F/../b?x=1&y\n"},
		{"HEAD", "/", 200, ""},
		{"GET", "/healthz", 200, "ok\n"},
		{"GET", "/bytes/0", 200, ""},
		{"GET", "/bytes/-1", 400, "/bytes/N wants a number of bytes\n"},
		{"GET", "/bytes/x", 400, "/bytes/N wants a number of bytes\n"},
		{"GET", "/status/404", 404, "blue: GET /status/404\n"},
		{"GET", "/status/204", 204, ""},
		{"GET", "/status/304", 304, ""},
		{"GET", "/status/101", 400, "/status/CODE wants a status from 200 to 599\n"},
		{"GET", "/status/abc", 400, "/status/CODE wants a status from 200 to 599\n"},
		{"GET", "/slow?ms=1", 200, "blue: GET /slow?ms=1\n"},
		{"GET", "/sse?n=2&ms=1", 200, "id: 1\ndata: blue 1\n\nid: 2\ndata: blue 2\n\n"},
		{"GET", "/echo", 200, ""},
	} {
		status, header, body := get(t, o, c.method, c.target)
		if status != c.status || body != c.body {
			t.Errorf("%s %s: %d %q; want %d %q", c.method, c.target, status, body, c.status, c.body)
		}
		if header.Get("X-Origin") != "blue" {
			t.Errorf("%s %s: X-Origin %q", c.method, c.target, header.Get("X-Origin"))
		}
	}
	if _, header, _ := get(t, o, "GET", "/status/302"); header.Get("Location") != "/" {
		t.Errorf("a redirect leads to %q, want /", header.Get("Location"))
	}
	if _, _, body := get(t, o, "GET", "/bench"); len(body) != 90 {
		t.Errorf("/bench answers %d bytes, want 90", len(body))
	}
}

func TestHealthAndCount(t *testing.T) {
	o := start(t, Options{})
	if o.Name() != "origin" {
		t.Errorf("name %q", o.Name())
	}
	o.SetHealthy(false)
	if status, _, _ := get(t, o, "GET", "/healthz"); status != 503 {
		t.Errorf("failing origin answers %d", status)
	}
	o.SetHealthy(true)
	if status, _, _ := get(t, o, "GET", "/healthz"); status != 200 {
		t.Errorf("healthy origin answers %d", status)
	}
	get(t, o, "GET", "/")
	get(t, o, "GET", "/bytes/1")
	if n := o.Requests(); n != 2 {
		t.Errorf("%d requests counted, want 2: health checks are not", n)
	}
}

func TestBytes(t *testing.T) {
	o := start(t, Options{})
	c := client(t, o)
	for _, n := range []int64{1, 90, 64 << 10, period - 1, period, period + 1, 5<<20 + 17} {
		for _, query := range []string{"", "?chunked=1"} {
			resp, err := c.Get(fmt.Sprintf("http://origin.test/bytes/%d%s", n, query))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			want, _ := io.ReadAll(Pattern(n))
			if err != nil || int64(len(want)) != n || !bytes.Equal(got, want) {
				t.Errorf("/bytes/%d%s: %d bytes, not the %d wanted (%v)", n, query, len(got), n, err)
			}
			if chunked := resp.ContentLength < 0; chunked != (query != "") {
				t.Errorf("/bytes/%d%s: Content-Length %d", n, query, resp.ContentLength)
			}
		}
	}
}

func TestEchoKeepsBodyAndItsFields(t *testing.T) {
	o := start(t, Options{})
	c := client(t, o)
	for _, n := range []int64{1, 1 << 10, 3 << 20} {
		for _, length := range []int64{n, -1} {
			req, _ := http.NewRequest("POST", "http://origin.test/echo", io.NopCloser(Pattern(n)))
			req.ContentLength = length
			req.Header.Set("Content-Type", "application/x-thing")
			req.Header.Set("Content-Encoding", "gzip")
			req.Header.Set("Expect", "100-continue")
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			want, _ := io.ReadAll(Pattern(n))
			if err != nil || !bytes.Equal(got, want) || resp.ContentLength != length {
				t.Errorf("echo of %d bytes, length %d: %d bytes, length %d (%v)", n, length, len(got), resp.ContentLength, err)
			}
			if resp.Header.Get("Content-Type") != "application/x-thing" || resp.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("echo answers with %v", resp.Header)
			}
		}
	}
}

// The first part comes back before the second is sent, both with a length and
// in chunks.
func TestEchoStreams(t *testing.T) {
	o := start(t, Options{})
	for _, length := range []int64{-1, 200 << 10} {
		body, send := io.Pipe()
		req, _ := http.NewRequest("POST", "http://origin.test/echo", body)
		req.ContentLength = length
		first, second := bytes.Repeat([]byte("1"), 100<<10), bytes.Repeat([]byte("2"), 100<<10)
		go func() { _, _ = send.Write(first) }()
		resp, err := client(t, o).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 64<<10)
		if _, err := io.ReadFull(resp.Body, got); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = send.Write(second); _ = send.Close() }()
		rest, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Equal(append(got, rest...), append(first, second...)) {
			t.Errorf("length %d: echoed %d bytes (%v)", length, len(got)+len(rest), err)
		}
	}
}

// An unread body must not become the next request.
func TestUnreadBody(t *testing.T) {
	o := start(t, Options{})
	c := client(t, o)
	for range 3 {
		resp, err := c.Post("http://origin.test/x", "text/plain", strings.NewReader(strings.Repeat("GET / HTTP/1.1\r\n\r\n", 100)))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "origin: POST /x\n" {
			t.Errorf("answer %q", body)
		}
	}
	if o.Requests() != 3 {
		t.Errorf("%d requests, want 3", o.Requests())
	}
}

func TestHeadersAsTheyCame(t *testing.T) {
	o := start(t, Options{Name: "blue"})
	conn, err := net.Dial("tcp", o.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /headers?q HTTP/1.1\r\nx-b: 1\r\nHost: h\r\nX-A:  two \r\nx-b: 3\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got received
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := received{"blue", "GET", "/headers?q", [][2]string{
		{"x-b", "1"}, {"Host", "h"}, {"X-A", "two"}, {"x-b", "3"}, {"Connection", "close"},
	}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o.sock")
	o := start(t, Options{Name: "sock", Address: "unix:" + path})
	if o.Addr() != "unix:"+path {
		t.Errorf("address %q", o.Addr())
	}
	if _, _, body := get(t, o, "GET", "/x"); body != "sock: GET /x\n" {
		t.Errorf("body %q", body)
	}
	if _, err := Start(Options{Address: "unix:" + path}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second origin on the socket: %v", err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("socket left behind: %v", err)
	}
}

func TestStaleUnixSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	o := start(t, Options{Address: "unix:" + path})
	if status, _, _ := get(t, o, "GET", "/"); status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestStartFails(t *testing.T) {
	o := start(t, Options{})
	for _, address := range []string{o.Addr(), "127.0.0.1", "unix:"} {
		if other, err := Start(Options{Name: "second", Address: address}); err == nil {
			t.Errorf("started on %q", address)
			other.Close()
		} else if !strings.Contains(err.Error(), `origin "second"`) {
			t.Errorf("error %q does not name the origin", err)
		}
	}
}

// Close ends what is under way, and the address can be used again at once.
func TestCloseCutsAndFreesTheAddress(t *testing.T) {
	o := start(t, Options{})
	c := client(t, o)
	events, err := c.Get("http://origin.test/sse?n=0&ms=600000")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	reader := bufio.NewReader(events.Body)
	if line, err := reader.ReadString('\n'); line != "id: 1\n" {
		t.Fatalf("first line %q (%v)", line, err)
	}
	slow := make(chan error, 1)
	go func() {
		resp, err := c.Get("http://origin.test/slow?ms=600000")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == 200 {
				err = errors.New("answered")
			}
		}
		slow <- err
	}()
	for o.Requests() < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(reader); err == nil {
		t.Error("the event stream ended as if it were complete")
	}
	if err := <-slow; err != nil && err.Error() == "answered" {
		t.Error("the slow request was answered")
	}
	if err := o.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	again := start(t, Options{Address: o.Addr()})
	if again.Addr() != o.Addr() {
		t.Errorf("listens on %s, not on %s", again.Addr(), o.Addr())
	}
}

func BenchmarkBench(b *testing.B) { benchmarkTarget(b, "/bench") }
func BenchmarkLine(b *testing.B)  { benchmarkTarget(b, "/") }

// benchmarkTarget measures one keep-alive connection, the client's share
// included.
func benchmarkTarget(b *testing.B, target string) {
	o := start(b, Options{})
	conn, err := net.Dial("tcp", o.Addr())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := []byte("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n")
	answer := make([]byte, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}
