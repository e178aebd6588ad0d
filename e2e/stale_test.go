package e2e

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// An origin that ends connections which Sluice has in its pool, without telling.
type closingOrigin struct {
	name string
	// idle returns how long a connection is kept after an answer.
	idle func() time.Duration
	// reset has it end by a reset, as a process that is killed ends all it has.
	reset bool
	// pause is the longest pause of a client between two requests.
	pause   time.Duration
	clients int
}

func exactly(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// The pauses are such that many requests are sent just when the origin closes.
var closingOrigins = []closingOrigin{
	{name: "after each answer", idle: exactly(0), pause: time.Millisecond, clients: 8},
	{name: "idle for 5 ms", idle: exactly(5 * time.Millisecond), pause: 10 * time.Millisecond, clients: 16},
	{name: "idle for 50 ms", idle: exactly(50 * time.Millisecond), pause: 100 * time.Millisecond, clients: 64},
	{name: "idle for 1 s", idle: exactly(time.Second), pause: 2 * time.Second, clients: 400},
	{name: "at any time", idle: func() time.Duration { return rand.N(20 * time.Millisecond) }, pause: 20 * time.Millisecond, clients: 32},
	{name: "by a reset", idle: exactly(5 * time.Millisecond), reset: true, pause: 10 * time.Millisecond, clients: 16},
}

// TestStaleConnections sends requests over pooled connections that the origin is
// about to close. None may fail, and no POST reach the origin twice. The 100,000
// requests of issue 4 are SLUICE_STALE_REQUESTS=100000 go test -run Stale -timeout 1h.
func TestStaleConnections(t *testing.T) {
	requests := 2000
	if testing.Short() {
		requests = 500
	}
	if n, err := strconv.Atoi(os.Getenv("SLUICE_STALE_REQUESTS")); err == nil {
		requests = n
	}
	for _, o := range closingOrigins {
		t.Run(o.name, func(t *testing.T) {
			if requests <= 2000 {
				t.Parallel()
			}
			s := &staleRun{posts: map[string]int{}}
			p := serve(t, proxyTo(rawOrigin(t, func(c net.Conn, br *bufio.Reader) { s.answer(o, c, br) })))
			s.send(t, o, p.addr, requests)
			s.judge(t, requests)
		})
	}
}

// staleRun is what became of the requests of one test.
type staleRun struct {
	mu        sync.Mutex
	posts     map[string]int // times the origin got each
	conns     int            // connections of the origin
	failures  []string
	succeeded int
}

func (s *staleRun) answer(o closingOrigin, c net.Conn, br *bufio.Reader) {
	s.mu.Lock()
	s.conns++
	s.mu.Unlock()
	if tcp, ok := c.(*net.TCPConn); ok && o.reset {
		_ = tcp.SetLinger(0)
	}
	for {
		r := readRequest(br)
		if r == nil {
			return
		}
		if r.Method == "POST" {
			s.mu.Lock()
			s.posts[r.URL.Path]++
			s.mu.Unlock()
		}
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
		idle := o.idle()
		if idle == 0 {
			return
		}
		_ = c.SetReadDeadline(time.Now().Add(idle))
		if _, err := br.Peek(1); err != nil {
			return
		}
		_ = c.SetReadDeadline(time.Time{})
	}
}

// send sends the requests, every other one a POST, from as many clients as the
// origin asks for, each with pauses of its own.
func (s *staleRun) send(t *testing.T, o closingOrigin, addr string, requests int) {
	var running sync.WaitGroup
	next := make(chan int)
	for range o.clients {
		c := client(t)
		running.Go(func() {
			for i := range next {
				method, body := "GET", io.Reader(nil)
				if i%2 == 0 {
					method, body = "POST", strings.NewReader("the body")
				}
				req, _ := http.NewRequest(method, "http://"+addr+"/"+strconv.Itoa(i), body)
				a, err := try(c, req)
				s.mu.Lock()
				switch {
				case err != nil:
					s.failures = append(s.failures, method+": "+err.Error())
				case a.StatusCode != 200 || a.body != "ok":
					s.failures = append(s.failures, method+": "+a.Status+" "+a.body)
				default:
					s.succeeded++
				}
				s.mu.Unlock()
				time.Sleep(rand.N(o.pause)) // of the load, and of no test
			}
		})
	}
	for i := range requests {
		next <- i
	}
	close(next)
	running.Wait()
}

func (s *staleRun) judge(t *testing.T, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.failures); n > 0 {
		t.Errorf("%d of %d requests failed; one: %s", n, requests, s.failures[0])
	}
	if s.succeeded != requests-len(s.failures) {
		t.Errorf("%d requests succeeded of %d", s.succeeded, requests)
	}
	twice := 0
	for _, n := range s.posts {
		if n > 1 {
			twice++
		}
	}
	if twice > 0 || len(s.posts) < (requests+1)/2-len(s.failures) {
		t.Errorf("%d POSTs reached the origin, %d of them more than once", len(s.posts), twice)
	}
	t.Logf("%d requests over %d connections", requests, s.conns)
}
