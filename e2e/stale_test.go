package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// closingOrigins end connections that Sluice has in its pool, without telling.
var closingOrigins = []struct {
	name string
	// before is what is done before a connection's next request is read, and
	// after what follows an answer: false closes.
	before func(net.Conn)
	after  func() bool
}{
	{"after each answer", func(net.Conn) {}, func() bool { return false }},
	{"when idle", func(c net.Conn) { _ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) }, func() bool { return true }},
}

// tally counts the requests that reached an origin, by their name.
type tally struct {
	mu   sync.Mutex
	seen map[string]int
}

func (s *tally) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[name]++
}

func (s *tally) times(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[name]
}

// TestStaleConnections sends requests over pooled connections that the origin is
// about to close: no GET may fail, and no POST be sent twice.
func TestStaleConnections(t *testing.T) {
	t.Parallel()
	requests := 2000
	if testing.Short() {
		requests = 200
	}
	for _, o := range closingOrigins {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			seen := &tally{seen: map[string]int{}}
			addr := rawOrigin(t, func(c net.Conn, br *bufio.Reader) {
				for {
					o.before(c)
					r := readRequest(br)
					if r == nil {
						return
					}
					seen.add(r.Method + r.URL.Path)
					if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil || !o.after() {
						return
					}
				}
			})
			p := serve(t, proxyTo(addr))
			gets := sendMany(t, p.addr, "GET", requests)
			if n := len(gets.failed); n > 0 {
				t.Errorf("%d of %d GETs failed; one: %s", n, requests, gets.failed[0])
			}
			posts := sendMany(t, p.addr, "POST", requests)
			// A POST that was sent when the origin closed must fail rather
			// than be sent again, and how often that is depends on the machine.
			t.Logf("%d of %d POSTs failed", len(posts.failed), requests)
			if n := len(posts.failed); n > requests/2 {
				t.Errorf("%d of %d POSTs failed; one: %s", n, requests, posts.failed[0])
			}
			for i := range requests {
				name := "POST/" + strconv.Itoa(i)
				if n := seen.times(name); n > 1 || n == 0 && posts.done[i] {
					t.Errorf("%s reached the origin %d times, answered: %t", name, n, posts.done[i])
				}
			}
		})
	}
}

// sent is what became of many requests.
type sent struct {
	done   []bool
	failed []string
}

// sendMany sends numbered requests from four clients, each with a pause of its
// own now and then so that connections get idle.
func sendMany(t *testing.T, addr, method string, n int) *sent {
	s := &sent{done: make([]bool, n)}
	var mu sync.Mutex
	var running sync.WaitGroup
	next := make(chan int)
	for range 4 {
		c := client(t)
		running.Go(func() {
			for i := range next {
				body := io.Reader(nil)
				if method == "POST" {
					body = strings.NewReader("the body")
				}
				req, _ := http.NewRequest(method, "http://"+addr+"/"+strconv.Itoa(i), body)
				a, err := try(c, req)
				mu.Lock()
				switch {
				case err != nil:
					s.failed = append(s.failed, err.Error())
				case a.StatusCode != 200 || a.body != "ok":
					s.failed = append(s.failed, a.Status+" "+a.body)
				default:
					s.done[i] = true
				}
				mu.Unlock()
			}
		})
	}
	// About as long as the origin waits, so that the two meet.
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for i := range n {
		if i%40 == 0 {
			<-pause.C
		}
		next <- i
	}
	close(next)
	running.Wait()
	return s
}
