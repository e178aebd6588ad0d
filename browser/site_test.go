package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// site is a Sluice at work, with three origins behind it.
type site struct {
	t       *testing.T
	file    string
	listen  string
	admin   string // host:port
	text    string // of the config
	origins []*origin
}

// origin is an application that can be ill.
type origin struct {
	addr     string
	requests atomic.Int64
	ill      atomic.Bool
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case o.ill.Load():
		w.WriteHeader(500)
	case r.URL.Path == "/healthz":
	case r.URL.Path == "/tunnel":
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	case strings.HasPrefix(r.URL.Path, "/missing"):
		w.WriteHeader(404)
	case strings.HasPrefix(r.URL.Path, "/broken"):
		o.requests.Add(1)
		w.WriteHeader(503)
	default:
		o.requests.Add(1)
		time.Sleep(time.Duration(2+rand.ExpFloat64()*6) * time.Millisecond)
		_, _ = io.WriteString(w, "hello\n")
	}
}

const conf = `{
  "listeners": [ { "address": "LISTEN" } ],
  "admin": { "address": "ADMIN" },
  "upstreams": {
    "api": {
      "balance": "weighted",
      "targets": [ { "address": "ONE", "weight": 5 }, { "address": "TWO", "weight": 2 }, { "address": "THREE", "weight": 1 } ],
      "health": { "active": { "path": "/healthz", "interval": "500ms", "fall": 2 } }
    },
    "users": {
      "balance": "consistent_hash",
      "hash": { "key": "header:X-User-Id", "bounded_load": 1.25 },
      "targets": [ { "address": "ONE" }, { "address": "TWO" }, { "address": "THREE" } ]
    }
  },
  "middlewares": { "v1": { "type": "strip_prefix", "prefix": "/v1" }, "ids": { "type": "request_id" } },
  "routes": [
    { "name": "api", "hosts": ["api.example.com"], "path": "/v1/*", "middlewares": ["ids", "v1"], "upstream": "api" },
    { "name": "canary", "hosts": ["api.example.com"], "path": "/v1/*", "headers": { "X-Canary": "1" }, "middlewares": ["v1"], "upstream": "users" },
    { "name": "users", "path": "/users/:id", "methods": ["GET", "HEAD"], "upstream": "users" },
    { "name": "ping", "path": "/ping", "respond": { "body": "pong\n" } },
    { "name": "rest", "path": "/*", "upstream": "api" }
  ]
}
`

// serve starts a site, whose admin interface is on a host of this machine; edit
// may change its config.
func serve(t *testing.T, host string, edit func(string) string) *site {
	t.Helper()
	if chrome == nil {
		t.Skip(noneWhy)
	}
	s := &site{t: t, file: filepath.Join(t.TempDir(), "config.json"), listen: reserve(t, "127.0.0.1"), admin: reserve(t, host)}
	for range 3 {
		s.origins = append(s.origins, newOrigin(t, ""))
	}
	s.run(edit)
	return s
}

// run starts the process over the origins there are.
func (s *site) run(edit func(string) string) {
	s.t.Helper()
	s.text = strings.NewReplacer("LISTEN", s.listen, "ADMIN", s.admin, "ONE", s.origins[0].addr, "TWO", s.origins[1].addr, "THREE", s.origins[2].addr).Replace(conf)
	if edit != nil {
		s.text = edit(s.text)
	}
	s.write(s.text)
	cmd := exec.Command(sluice, "run", "-config", s.file)
	log, err := os.Create(filepath.Join(s.t.TempDir(), "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Stderr, cmd.Stdout = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if text, _ := os.ReadFile(log.Name()); s.t.Failed() {
			s.t.Logf("the log: %s", text)
		}
		_ = log.Close()
	})
	s.until("the admin interface answers", func() bool {
		resp, err := http.Get("http://" + s.admin + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == 200
	})
}

func newOrigin(t *testing.T, addr string) *origin {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{addr: l.Addr().String()}
	server := &http.Server{Handler: o, ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return o
}

// reserve returns an address that was free a moment ago.
func reserve(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *site) write(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a condition that nothing tells of.
func (s *site) until(what string, condition func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return
		}
	}
	s.t.Fatalf("waited in vain: %s", what)
}

// load sends requests until the test ends: one each pause, of the kinds in turn,
// each "Host path".
func (s *site) load(pause time.Duration, kinds ...string) {
	stop := make(chan struct{})
	var done sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: patience}
	for worker := range 4 {
		done.Go(func() {
			tick := time.NewTicker(4 * pause)
			defer tick.Stop()
			for i := worker; ; i++ {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				host, path, _ := strings.Cut(kinds[i%len(kinds)], " ")
				req, _ := http.NewRequest("GET", "http://"+s.listen+path, nil)
				req.Host = host
				req.Header.Set("X-User-Id", fmt.Sprint(rand.IntN(1000)))
				if resp, err := client.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			}
		})
	}
	s.t.Cleanup(func() { close(stop); done.Wait(); client.CloseIdleConnections() })
}

// fetch reads JSON from the admin interface.
func (s *site) fetch(path string, v any) {
	s.t.Helper()
	resp, err := http.Get("http://" + s.admin + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		s.t.Fatal(err)
	}
}
