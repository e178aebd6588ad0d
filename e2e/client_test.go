package e2e

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// client returns a net/http client that changes nothing by itself: it neither
// follows redirects nor asks for gzip.
func client(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport:     tr,
		Timeout:       2 * patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// unixClient is client over a Unix socket.
func unixClient(t testing.TB, path string) *http.Client {
	c := client(t)
	c.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return c
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body string
}

// get asks for a URL and reads all of the answer.
func get(t testing.TB, c *http.Client, url string) answer {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, c, req)
}

func do(t testing.TB, c *http.Client, req *http.Request) answer {
	t.Helper()
	a, err := try(c, req)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is do for those who expect errors, or are not the test's own goroutine.
func try(c *http.Client, req *http.Request) (answer, error) {
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, string(body)}, err
}

// wants fails the test unless the answer has the status and its body the text.
func (a answer) wants(t testing.TB, status int, text string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, text) {
		t.Errorf("answer %d %.200q, want %d with %q", a.StatusCode, a.body, status, text)
	}
}

// rawClient is a connection that the test writes bytes to itself.
type rawClient struct {
	net.Conn
	t  testing.TB
	br *bufio.Reader
}

func dial(t testing.TB, addr string) *rawClient {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &rawClient{c, t, bufio.NewReader(c)}
}

func (c *rawClient) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// response reads one response to a request by the given method.
func (c *rawClient) response(method string) answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp, string(body)}
}

// wantsEnd fails the test unless the connection is closed with nothing more.
func (c *rawClient) wantsEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.br); err != nil || len(rest) > 0 {
		c.t.Errorf("%q and %v instead of the connection's end", rest, err)
	}
}

// curl runs curl and returns what it printed on both outputs.
func curl(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	path, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed; this test is about what curl sees")
	}
	args = append([]string{"--silent", "--show-error", "--max-time", "60", "--noproxy", "*"}, args...)
	p := start(t, path, args...)
	code = p.exit()
	return p.out.String(), p.log.String(), code
}

// from receives from a channel, and fails the test rather than wait for ever. It
// is for the test's own goroutine.
func from[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("what the test waits for has not happened")
	}
	return v
}

// to sends to a channel, and fails the test rather than wait for ever.
func to[T any](t testing.TB, c chan<- T, v T) {
	t.Helper()
	select {
	case c <- v:
	case <-time.After(patience):
		t.Fatal("nobody takes what the test sends")
	}
}
