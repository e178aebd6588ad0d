package admin_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/hotreload"
)

func TestIndex(t *testing.T) {
	a := open(t, conf).do("GET", "/", "")
	if a.status != 200 || !strings.HasPrefix(a.body, "Sluice v1.2.3, admin interface\n\nGET  / ") || !strings.Contains(a.body, "\nPOST /reload ") {
		t.Errorf("answered %d %s", a.status, a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("header %v", a.header)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	d := open(t, conf)
	d.do("GET", "/healthz", "").is(t, 200, "ok\n")
	d.do("GET", "/readyz", "").is(t, 200, "ready\n")
	why := "draining"
	d.unready.Store(&why)
	d.do("GET", "/readyz", "").is(t, 503, "not ready: draining\n")
	d.do("GET", "/healthz", "").is(t, 200, "ok\n")
	if a := d.do("HEAD", "/healthz", ""); a.status != 200 || a.body != "" {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
}

func TestMetrics(t *testing.T) {
	a := open(t, conf).do("GET", "/metrics", "")
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("answered %d, %v", a.status, a.header)
	}
	for _, line := range []string{"sluice_config_generation 1\n", `sluice_build_info{go=`, `sluice_target_usable{target="127.0.0.1:2",upstream="api"} 1`} {
		if !strings.Contains(a.body, line) {
			t.Errorf("no %s in\n%s", line, a.body)
		}
	}
}

func TestRoutes(t *testing.T) {
	open(t, conf).do("GET", "/routes", "").is(t, 200, `{
  "generation": 1,
  "routes": [
    {
      "name": "api",
      "hosts": [
        "api.example.com"
      ],
      "path": "/v1/*",
      "methods": [
        "GET"
      ],
      "headers": {
        "X-Canary": "1"
      },
      "query": {
        "q": "*"
      },
      "cookies": {
        "c": "~^a"
      },
      "middlewares": [
        "v1"
      ],
      "upstream": "api"
    },
    {
      "name": "away",
      "hosts": [
        "*"
      ],
      "path": "/old",
      "middlewares": [
        "away"
      ]
    },
    {
      "name": "ping",
      "hosts": [
        "*"
      ],
      "path": "/ping",
      "respond": 200
    },
    {
      "name": "rest",
      "hosts": [
        "*"
      ],
      "path": "/*",
      "upstream": "cache"
    }
  ]
}
`)
}

func TestUpstreams(t *testing.T) {
	d := open(t, conf)
	api := d.proxy.Generation().Pools()["api"]
	api.Targets[1].Node.SetUsable(false)
	d.do("GET", "/upstreams", "").is(t, 200, `{
  "generation": 1,
  "upstreams": [
    {
      "name": "api",
      "balance": "weighted",
      "targets": [
        {
          "address": "127.0.0.1:***",
          "weight": 5,
          "backup": false,
          "usable": true,
          "share": 1,
          "in_flight": 0,
          "latency_ms": 0,
          "connections": {
            "all": 0,
            "idle": 0
          }
        },
        {
          "address": "127.0.0.1:2",
          "weight": 1,
          "backup": true,
          "usable": false,
          "share": 1,
          "in_flight": 0,
          "latency_ms": 0,
          "connections": {
            "all": 0,
            "idle": 0
          }
        }
      ]
    },
    {
      "name": "cache",
      "balance": "consistent_hash",
      "hash": "header:X-User",
      "targets": [
        {
          "address": "127.0.0.1:***",
          "weight": 1,
          "backup": false,
          "usable": true,
          "share": 1,
          "in_flight": 0,
          "latency_ms": 0,
          "connections": {
            "all": 0,
            "idle": 0
          }
        }
      ]
    }
  ]
}
`)
}

func TestConfig(t *testing.T) {
	d := open(t, conf)
	d.do("GET", "/config", "").is(t, 200, string(d.proxy.Generation().Config.Effective()))
}

const applied = `{
  "generation": 1,
  "in_force": {
    "at": "***",
    "cause": "start",
    "result": "applied",
    "took_ms": 0,
    "sum": "***"
  },
`

func TestReloadStatus(t *testing.T) {
	d := open(t, conf)
	d.do("GET", "/reload", "").is(t, 200, applied+strings.Replace(strings.TrimPrefix(applied, "{\n  \"generation\": 1,\n"), "in_force", "last", 1)+`  "counts": {
    "applied": 0,
    "unchanged": 0,
    "refused": 0,
    "unreadable": 0
  }
}
`)
}

func TestReload(t *testing.T) {
	d := open(t, conf)
	d.do("POST", "/reload", "").is(t, 200, `{
  "generation": 1,
  "at": "***",
  "cause": "request",
  "result": "unchanged",
  "took_ms": ***,
  "sum": "***"
}
`)
	good, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	d.write(strings.Replace(string(good), `"upstream": "cache"`, `"upstream": "cash"`, 1))
	const refused = `    "at": "***",
    "cause": "request",
    "result": "refused",
    "took_ms": ***,
    "sum": "***",
    "error": "14:49: routes[3].upstream: unknown upstream \"cash\"; have \"api\", \"cache\"",
    "problems": [
      {
        "line": 14,
        "column": 49,
        "path": "routes[3].upstream",
        "message": "unknown upstream \"cash\"; have \"api\", \"cache\""
      }
    ]
`
	d.do("POST", "/reload", "").is(t, 422, "{\n  \"generation\": 1,\n"+strings.ReplaceAll(refused, "\n  ", "\n")[2:]+"}\n")
	if a := d.do("GET", "/reload", ""); !strings.Contains(a.body, `"result": "refused"`) || !strings.Contains(a.body, `"line": 14`) {
		t.Errorf("status after a refusal: %s", a.body)
	}
	d.write(string(good) + "\n")
	if a := d.do("POST", "/reload", ""); a.status != 200 || !strings.Contains(a.body, `"applied"`) || !strings.Contains(a.body, `"generation": 2`) {
		t.Errorf("applied: %d %s", a.status, a.body)
	}
	if err := os.Remove(d.file); err != nil {
		t.Fatal(err)
	}
	if a := d.do("POST", "/reload", ""); a.status != 503 || !strings.Contains(a.body, `"unreadable"`) {
		t.Errorf("unreadable: %d %s", a.status, a.body)
	}
}

func TestExplain(t *testing.T) {
	d := open(t, conf)
	q := url.Values{"url": {"http://api.example.com/v1/a?q=%41"}, "header": {"X-Canary: 1", "Cookie:c=ab"}, "client": {"192.0.2.9"}}
	a := d.do("GET", "/explain?"+q.Encode(), "")
	for _, part := range []string{`"generation": 1`, `"verdict": "forward"`, `"route": "api"`, `"target": "/a?q=%41"`,
		`X-Forwarded-For: 192.0.2.9\r\n`, `"weight": 5`, `"connect": "1s"`} {
		if a.status != 200 || !strings.Contains(a.body, part) {
			t.Errorf("no %s in %d %s", part, a.status, a.body)
		}
	}
	a = d.do("GET", "/explain?method=POST&format=text&url=/ping&header=Host:x", "")
	if a.status != 200 || !strings.HasPrefix(a.body, "request      POST /ping\nverdict      answered by Sluice: 200\n") {
		t.Errorf("text: %d %s", a.status, a.body)
	}
	for query, part := range map[string]string{
		"":                             "url is missing",
		"url=example.com":              "not a URL",
		"url=/&header=x":               "no colon",
		"url=/&client=x":               "not an IP address",
		"url=/&format=xml":             "unknown format",
		"url=http://h/?a=1&b=2":        `unknown parameter "b"`,
		"url=/&header=A:b%0d%0aHost:c": "line break",
	} {
		d.do("GET", "/explain?"+query, "").fails(t, 400, part)
	}
}

func TestLogLevel(t *testing.T) {
	d := open(t, conf)
	const info, debug = "{\n  \"level\": \"info\"\n}\n", "{\n  \"level\": \"debug\"\n}\n"
	d.do("GET", "/log", "").is(t, 200, info)
	d.do("PUT", "/log", `{"level":"debug"}`).is(t, 200, debug)
	d.do("GET", "/log", "").is(t, 200, debug)
	d.do("POST", "/log", `{"level":"error"}`).is(t, 200, "{\n  \"level\": \"error\"\n}\n")
	d.do("PUT", "/log", `{"level":"loud"}`).fails(t, 400, "unknown log level")
	d.do("PUT", "/log", `{"lever":"info"}`).fails(t, 400, `send {"level":"debug"}`)
	d.do("PUT", "/log", `{"level":"info"} x`).fails(t, 400, "cannot read the level")
	d.do("PUT", "/log", "").fails(t, 400, "cannot read the level")
	if d.log.LevelName() != "error" {
		t.Errorf("level %s", d.log.LevelName())
	}
	if n := strings.Count(d.written.String(), "log level changed"); n != 2 {
		t.Errorf("%d changes logged: %s", n, d.written)
	}
}

func TestProfiles(t *testing.T) {
	d := open(t, conf)
	if a := d.do("GET", "/debug/pprof/", ""); a.status != 200 || !strings.Contains(a.body, "goroutine?debug=1") {
		t.Errorf("list: %d %s", a.status, a.body)
	}
	if a := d.do("GET", "/debug/pprof", ""); a.status != 301 || a.header.Get("Location") != "/debug/pprof/" {
		t.Errorf("without slash: %d %v", a.status, a.header)
	}
	if a := d.do("GET", "/debug/pprof/goroutine?debug=1", ""); a.status != 200 || !strings.HasPrefix(a.body, "goroutine profile:") {
		t.Errorf("goroutine: %d %.100s", a.status, a.body)
	}
	if a := d.do("GET", "/debug/pprof/heap", ""); a.status != 200 || !strings.HasPrefix(a.body, "\x1f\x8b") {
		t.Errorf("heap: %d", a.status)
	}
	if a := d.do("GET", "/debug/pprof/nonsense", ""); a.status != 404 {
		t.Errorf("unknown: %d", a.status)
	}
}

func TestUnknownPathAndMethod(t *testing.T) {
	d := open(t, conf)
	d.do("GET", "/nowhere", "").fails(t, 404, "GET / lists them")
	d.do("GET", "/routes/", "").fails(t, 404, "no such endpoint")
	for path, allow := range map[string]string{"/routes": "GET, HEAD", "/reload": "GET, HEAD, POST", "/log": "GET, HEAD, PUT, POST"} {
		a := d.do("DELETE", path, "")
		a.fails(t, 405, "method not allowed")
		if a.header.Get("Allow") != allow {
			t.Errorf("%s: Allow %q, want %q", path, a.header.Get("Allow"), allow)
		}
	}
}

func TestLimits(t *testing.T) {
	d := open(t, conf)
	d.do("PUT", "/log", strings.Repeat(" ", 65<<10)).fails(t, 413, "too long")
	d.do("GET", "/healthz", "", "X: "+strings.Repeat("x", 20<<10)).fails(t, 431, "too long")
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(c, "nonsense\r\n\r\n")
	if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || !strings.Contains(string(got), `"error": "malformed request"`) {
		t.Errorf("nonsense: %q", got)
	}
}

func TestOnlyItsOwnHosts(t *testing.T) {
	d := open(t, conf)
	for _, host := range []string{"127.0.0.1", "127.0.0.1:9901", "[::1]:9901", "localhost:1", "LocalHost", "sluice.internal:9901", "Sluice.Internal"} {
		if a := d.do("GET", "/routes", "", "Host: "+host); a.status != 200 {
			t.Errorf("Host %s: %d", host, a.status)
		}
	}
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:9901", "internal", "evil.example:127"} {
		for _, path := range []string{"/routes", "/healthz", "/nowhere"} {
			d.do("GET", path, "", "Host: "+host).fails(t, 403, "admin.address")
		}
		d.do("POST", "/reload", "", "Host: "+host).fails(t, 403, "admin.address")
	}
}

func TestCrossSite(t *testing.T) {
	d := open(t, conf)
	own := "http://" + d.addr
	for _, field := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: http://evil.example", "Origin: null", "Origin: http://127.0.0.1:1"} {
		d.do("POST", "/reload", "", field).fails(t, 403, "other sites")
		d.do("PUT", "/log", `{"level":"debug"}`, field).fails(t, 403, "other sites")
		d.do("GET", "/debug/pprof/heap", "", field).fails(t, 403, "other sites")
		if a := d.do("GET", "/routes", "", field); a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("a link from another site: %d %v", a.status, a.header)
		}
	}
	if d.log.LevelName() != "info" {
		t.Error("the level was changed")
	}
	for _, field := range []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Origin: " + own} {
		if a := d.do("POST", "/reload", "", field); a.status != 200 {
			t.Errorf("%s: %d %s", field, a.status, a.body)
		}
	}
}

func TestChangesFromThisMachineOnly(t *testing.T) {
	d := open(t, conf)
	base := "http://" + d.listen(func(ln net.Listener) net.Listener { return foreign{ln} })
	for _, path := range []string{"/metrics", "/routes", "/reload", "/log", "/healthz"} {
		if a := ask(t, http.DefaultTransport, "GET", base+path, ""); a.status != 200 {
			t.Errorf("GET %s from elsewhere: %d", path, a.status)
		}
	}
	ask(t, http.DefaultTransport, "POST", base+"/reload", "").fails(t, 403, "this machine only")
	ask(t, http.DefaultTransport, "PUT", base+"/log", `{"level":"debug"}`).fails(t, 403, "this machine only")
}

func TestUnixSocket(t *testing.T) {
	d := open(t, conf)
	dir, err := os.MkdirTemp("", "sluice") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "admin.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	d.serve(ln)
	via := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	ask(t, via, "GET", "http://any.name/healthz", "").is(t, 200, "ok\n")
	if a := ask(t, via, "POST", "http://any.name/reload", ""); a.status != 200 {
		t.Errorf("reload: %d %s", a.status, a.body)
	}
	ask(t, via, "POST", "http://any.name/reload", "", "Sec-Fetch-Site: cross-site").fails(t, 403, "other sites")
}

func TestAcceptGoesOnAfterFailures(t *testing.T) {
	d := open(t, conf)
	addr := d.listen(func(ln net.Listener) net.Listener {
		f := &failing{Listener: ln}
		f.left.Store(2)
		return f
	})
	ask(t, http.DefaultTransport, "GET", "http://"+addr+"/healthz", "").is(t, 200, "ok\n")
}

func TestClose(t *testing.T) {
	d := open(t, conf)
	begun, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	a := admin.New(admin.Options{Proxy: d.proxy, Log: d.log, Reload: func(context.Context, string) hotreload.Outcome {
		close(begun)
		<-release
		return hotreload.Outcome{}
	}})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- a.Serve(ln) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := a.Close(ctx); err != context.DeadlineExceeded {
		t.Errorf("Close: %v, though a request was cut off", err)
	}
	if rest, err := io.ReadAll(c); len(rest) > 0 || os.IsTimeout(err) {
		t.Errorf("the connection was not cut off: %q, %v", rest, err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("still listening")
	}
}

func TestCloseWaits(t *testing.T) {
	d := open(t, conf)
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(c)
	if _, err := http.ReadResponse(br, nil); err != nil {
		t.Fatal(err)
	}
	// The connection is idle now, which is not waited for.
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if err := d.admin.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.admin.Serve(ln); err != nil {
		t.Errorf("Serve after Close: %v", err)
	}
}

func TestBesideReloads(t *testing.T) {
	d := open(t, conf)
	good, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, path := range []string{"/routes", "/upstreams", "/config", "/reload", "/metrics", "/explain?url=http://h/", "/readyz"} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if a := d.do("GET", path, ""); a.status != 200 {
					t.Errorf("GET %s: %d %s", path, a.status, a.body)
					return
				}
			}
		})
	}
	for i := range 20 {
		text := strings.Replace(string(good), `"weight": 5`, fmt.Sprintf(`"weight": %d`, i%5+1), 1)
		d.write(text + strings.Repeat("\n", i+1))
		if a := d.do("POST", "/reload", ""); a.status != 200 {
			t.Errorf("reload %d: %d %s", i, a.status, a.body)
		}
	}
	close(stop)
	wg.Wait()
}
