package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// echo is an origin that answers with the body it was sent.
func echo(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(500)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// TestAnotherTargetTakesOver: where one target refuses connections, whatever the
// request, nothing of it was sent, and another gets it.
func TestAnotherTargetTakesOver(t *testing.T) {
	dead, live := deadAddress(t), echo(t)
	bodies := map[string]func() io.Reader{
		"none":    func() io.Reader { return nil },
		"small":   func() io.Reader { return strings.NewReader("small") },
		"long":    func() io.Reader { return strings.NewReader(strings.Repeat("long", 100_000)) },
		"chunked": func() io.Reader { return io.MultiReader(strings.NewReader("chun"), strings.NewReader("ked")) },
	}
	for _, order := range [][]string{{dead, live}, {live, dead}} {
		b := serve(t, over(`"balance": "round_robin"`, order...))
		for name, body := range bodies {
			want := ""
			if r := body(); r != nil {
				all, _ := io.ReadAll(r)
				want = string(all)
			}
			for range 2 { // so that either target comes first once
				req, _ := http.NewRequest("POST", "http://"+b.addr+"/", body())
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != 200 || string(got) != want {
					t.Errorf("%s body: %d with %d bytes, want 200 with %d", name, resp.StatusCode, len(got), len(want))
				}
			}
		}
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if got := b.series(fmt.Sprintf(`sluice_target_requests_total{result="connect_failed",target=%q,upstream="u"}`, dead)); got == "" || got == "0" {
			t.Errorf("the dead target was tried %q times", got)
		}
		if got := b.series(`sluice_failures_total{reason="connect_failed",route="all"}`); got != "" && got != "0" {
			t.Errorf("%s requests failed", got)
		}
	}
}

func TestGivesUpWhenAllHaveRefused(t *testing.T) {
	one, two := deadAddress(t), deadAddress(t)
	b := serve(t, over(`"balance": "round_robin"`, one, two))
	status, body := b.get("/")
	if status != 502 || body != "502 cannot connect to upstream\n" {
		t.Errorf("%d %q", status, body)
	}
	for _, addr := range []string{one, two} {
		b.counts(fmt.Sprintf(`sluice_target_requests_total{result="connect_failed",target=%q,upstream="u"}`, addr), "1")
	}
	b.counts(`sluice_upstream_retries_total{upstream="u"}`, "1")
}

func TestTriesAreBounded(t *testing.T) {
	var dead []string
	for range 10 {
		dead = append(dead, deadAddress(t))
	}
	b := serve(t, over("", dead...))
	if status, _ := b.get("/"); status != 502 {
		t.Errorf("status %d", status)
	}
	b.counts(`sluice_upstream_retries_total{upstream="u"}`, "7")
}

// fickle is an origin that answers one request per connection, and closes without
// a byte at the second.
func fickle(t *testing.T, seen chan<- string) string {
	return origin(t, func(c net.Conn, br *bufio.Reader) {
		for i := range 2 {
			head, err := readHead(br)
			if err != nil {
				return
			}
			method, _, _ := strings.Cut(head, " ")
			if strings.Contains(head, "Content-Length: 4") {
				_, _ = io.ReadFull(br, make([]byte, 4))
			}
			seen <- method
			if i == 0 {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}
	})
}

// TestStaleConnection has a pooled connection die as the next request is sent: one
// that may be repeated is, over a new connection; another is not sent over a pooled
// connection of an origin of which so little is known.
func TestStaleConnection(t *testing.T) {
	const body = "Content-Length: 4\r\n\r\nbody"
	cases := []struct {
		name, method, rest, status string
		sent                       int // times the origin gets it
	}{
		{"GET", "GET", "\r\n", "200", 2},
		{"HEAD", "HEAD", "\r\n", "200", 2},
		{"OPTIONS", "OPTIONS", "\r\n", "200", 2},
		{"DELETE", "DELETE", "\r\n", "200", 2},
		{"PUT", "PUT", body, "200", 2},
		{"POST", "POST", body, "200", 1},
		{"POST without a body", "POST", "Content-Length: 0\r\n\r\n", "200", 1},
		{"PATCH", "PATCH", body, "200", 1},
		{"an unknown one", "BREW", "\r\n", "200", 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			seen := make(chan string, 10)
			b := serve(t, over("", fickle(t, seen)))
			if status, _ := b.get("/"); status != 200 {
				t.Fatalf("the first request: %d", status)
			}
			<-seen
			got := b.raw(c.method + " / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + c.rest)
			if !strings.HasPrefix(got, "HTTP/1.1 "+c.status+" ") {
				t.Errorf("answered %q, want %s", got, c.status)
			}
			if len(seen) != c.sent {
				t.Errorf("the origin got it %d times, want %d", len(seen), c.sent)
			}
		})
	}
}

// TestLostPOST: one that the origin has read when it closes fails, and is not sent
// again.
func TestLostPOST(t *testing.T) {
	var posts atomic.Int32
	b := serve(t, over("", origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			head, err := readHead(br)
			if err != nil {
				return
			}
			if strings.HasPrefix(head, "POST") {
				posts.Add(1)
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})))
	c := b.dial()
	br := bufio.NewReader(c)
	for i := range 50 {
		// Many at a time, so that connections are used again at once.
		_, _ = io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 20))
		for range 20 {
			if r := readAnswer(t, br); r != 200 {
				t.Fatalf("a GET was answered %d", r)
			}
		}
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		if r := readAnswer(t, br); r != 502 {
			t.Fatalf("POST %d was answered %d, want 502", i, r)
		}
		if n := posts.Load(); n != int32(i+1) {
			t.Fatalf("the origin has got %d POSTs of %d", n, i+1)
		}
	}
}

// TestTwoAnswers: an origin that has sent more than it was asked for, and whose answers
// are one behind from then on, has no client get another's: who may ask again does.
func TestTwoAnswers(t *testing.T) {
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		late := ""
		for i := 0; ; i++ {
			head, err := readHead(br)
			if err != nil {
				return
			}
			_, path, _ := strings.Cut(head, " ")
			path, _, _ = strings.Cut(path, " ")
			answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
			switch {
			case path == "/one-behind":
				// What was smuggled in with this one is answered with the next.
				late = strings.ReplaceAll(answer, "/one-behind", "/of-another")
				_, _ = io.WriteString(c, answer)
			default:
				_, _ = io.WriteString(c, late+answer)
				late = ""
			}
		}
	})
	b := serve(t, over("", addr))
	for range 20 {
		for _, path := range []string{"/one-behind", "/mine"} {
			if status, body := b.get(path); status != 200 || body != path {
				t.Fatalf("%s was answered %d %q", path, status, body)
			}
		}
	}
	if status, _ := b.get("/one-behind"); status != 200 {
		t.Fatal(status)
	}
	if got := b.raw("BREW /mine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 502 ") && !strings.HasSuffix(got, "/mine") {
		t.Errorf("one that may not be sent again was answered %q", got)
	}
}

func readAnswer(t *testing.T, br *bufio.Reader) int {
	t.Helper()
	r, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

// TestNewConnectionIsNotTriedAgain: a target that closes a new connection has
// perhaps done what it was asked; where the config says so, nobody asks twice.
func TestNewConnectionIsNotTriedAgain(t *testing.T) {
	asked := make(chan struct{}, 10)
	hangUp := func(_ net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err == nil {
			asked <- struct{}{}
		}
	}
	b := serve(t, over(`"retry": { "attempts": 1 }`, origin(t, hangUp), origin(t, hangUp)))
	if status, body := b.get("/"); status != 502 || body != "502 upstream closed the connection\n" {
		t.Errorf("%d %q", status, body)
	}
	if len(asked) != 1 {
		t.Errorf("sent %d times, want once", len(asked))
	}
}

func TestTimeoutsAnswer504(t *testing.T) {
	silent := func(_ net.Conn, br *bufio.Reader) { _, _ = io.Copy(io.Discard, br) }
	for settings, text := range map[string]string{
		`"timeouts": { "response_header": "50ms" }`:                    "504 timeout waiting for upstream response\n",
		`"timeouts": { "request": "50ms" }`:                            "504 request timeout\n",
		`"timeouts": { "request": "50ms", "response_header": "0s" }`:   "504 request timeout\n",
		`"timeouts": { "request": "10s", "response_header": "50ms" }`:  "504 timeout waiting for upstream response\n",
		`"timeouts": { "request": "1250ms", "response_header": "0s" }`: "504 request timeout\n",
	} {
		b := serve(t, over(settings+`, "retry": { "attempts": 1 }`, origin(t, silent), origin(t, silent)))
		if status, body := b.get("/"); status != 504 || body != text {
			t.Errorf("%s: %d %q, want 504 %q", settings, status, body, text)
		}
		b.counts(`sluice_requests_total{class="5xx",route="all"}`, "1")
		b.counts(`sluice_upstream_retries_total{upstream="u"}`, "0")
	}
}

// TestAllConnectionsBusy: who finds no connection waits as long as the config
// says, or the request itself has.
func TestAllConnectionsBusy(t *testing.T) {
	for _, c := range []struct{ settings, text string }{
		{`"connections": { "max": 1, "queue_timeout": "0s" }`, "503 upstream is at its connection limit\n"},
		{`"connections": { "max": 1, "queue_timeout": "50ms" }`, "503 no upstream connection became free in time\n"},
		{`"connections": { "max": 1, "queue_timeout": "10s" }, "timeouts": { "request": "50ms" }`, "504 request timeout\n"},
	} {
		asked, answer := make(chan struct{}, 1), make(chan struct{})
		addr := origin(t, func(c net.Conn, br *bufio.Reader) {
			if _, err := readHead(br); err == nil {
				asked <- struct{}{}
				<-answer
			}
		})
		b := serve(t, over(c.settings, addr))
		_, _ = io.WriteString(b.dial(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		<-asked
		want := c.text[:3]
		if status, body := b.get("/"); fmt.Sprint(status) != want || body != c.text {
			t.Errorf("%s: %d %q, want %q", c.settings, status, body, c.text)
		}
		close(answer)
	}
}
