package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

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
