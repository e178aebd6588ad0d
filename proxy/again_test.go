package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// scripted is an origin that answers every request on a connection of its own
// with the same bytes, or closes without any, and counts requests.
func scripted(t *testing.T, response string) (addr string, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	return origin(t, func(c net.Conn, br *bufio.Reader) {
		head, err := readHead(br)
		if err != nil {
			return
		}
		if strings.Contains(head, "Content-Length: 4") {
			_, _ = br.Discard(4)
		}
		asked.Add(1)
		_, _ = io.WriteString(c, response)
	}), asked
}

const (
	unavailable = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy"
	well        = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwell"
)

// TestRequestIsSentAgain tells for a failing first target and a good second one
// whether the request reaches the second, and how it is answered.
func TestRequestIsSentAgain(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	const post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n%s\r\nbody"
	keyed := fmt.Sprintf(post, "Idempotency-Key: k1\r\n")
	plain := fmt.Sprintf(post, "")
	for _, c := range []struct {
		name, first, request, retry, want string
		second                            int64
	}{
		{"status", unavailable, get, `"statuses": [503]`, "200", 1},
		{"status not listed", unavailable, get, `"statuses": [502]`, "503", 0},
		{"status by default", unavailable, get, ``, "503", 0},
		{"status of a POST", unavailable, plain, `"statuses": [503]`, "503", 0},
		{"status of a POST with a key", unavailable, keyed, `"statuses": [503]`, "200", 1},
		{"closed", "", get, ``, "200", 1},
		{"closed under a POST", "", plain, ``, "502", 0},
		{"closed under a POST with a key", "", keyed, ``, "200", 1},
		{"garbage", "nonsense\r\n\r\n", get, ``, "200", 1},
		{"cut short", "HTTP/1.1 200 OK\r\nContent-Le", get, ``, "200", 1},
		{"one attempt", "", get, `"attempts": 1`, "502", 0},
		{"after an interim response", "HTTP/1.1 103 Early Hints\r\n\r\n", get, ``, "502", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, asked := scripted(t, c.first)
			second, answered := scripted(t, well)
			b := serve(t, replace(`{ LISTEN, "upstreams": { "u": { "retry": { RETRY },
				"targets": [ { "address": "FIRST" }, { "address": "SECOND", "backup": true } ] } },
				"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`, "RETRY", c.retry, "FIRST", first, "SECOND", second))
			// The second is a backup, so the first is always asked first; a
			// backup counts as another target once the first was tried.
			got := b.raw(c.request)
			for strings.HasPrefix(got, "HTTP/1.1 1") {
				_, got, _ = strings.Cut(got, "\r\n\r\n")
			}
			if status := got[9:12]; status != c.want {
				t.Errorf("answered %s, want %s", status, c.want)
			}
			if asked.Load() != 1 || answered.Load() != c.second {
				t.Errorf("first asked %d times, want 1; second %d, want %d", asked.Load(), answered.Load(), c.second)
			}
		})
	}
}

// TestAnswerStandsWithoutAnotherTarget: where there is nowhere else to go, a
// listed status is passed on with its body.
func TestAnswerStandsWithoutAnotherTarget(t *testing.T) {
	addr, asked := scripted(t, unavailable)
	b := serve(t, replace(`{ LISTEN, "upstreams": { "u": { "retry": { "statuses": [503] }, "targets": [ { "address": "ADDR" } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`, "ADDR", addr))
	if status, body := b.get("/"); status != 503 || body != "busy" || asked.Load() != 1 {
		t.Errorf("got %d %q after %d requests", status, body, asked.Load())
	}
}

// TestRetriesKeepToTheBudget: with every answer a 503, there are no more retries
// than the reserve and the share of the requests.
func TestRetriesKeepToTheBudget(t *testing.T) {
	first, a := scripted(t, unavailable)
	second, c := scripted(t, unavailable)
	b := serve(t, replace(`{ LISTEN, "upstreams": { "u": { "balance": "round_robin", "retry": { "statuses": [503], "budget": 0.1, "backoff": "0s" },
		"targets": [ { "address": "FIRST" }, { "address": "SECOND" } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`, "FIRST", first, "SECOND", second))
	const requests = 200
	for range requests {
		b.get("/")
	}
	if retries := a.Load() + c.Load() - requests; retries < 25 || retries > 10+requests/10 {
		t.Errorf("%d retries of %d requests", retries, requests)
	}
	var text strings.Builder
	_ = b.metrics.WriteText(&text)
	if !strings.Contains(text.String(), `sluice_upstream_retries_suppressed_total{upstream="u"} 17`) {
		t.Errorf("suppressed retries are not counted")
	}
}
