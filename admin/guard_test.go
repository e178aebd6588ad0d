package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestUnknownPathAndMethod(t *testing.T) {
	d := open(t, conf)
	d.do("GET", "/nowhere", "").fails(t, 404, "GET /endpoints lists them")
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
	for _, host := range []string{"127.0.0.1", "127.0.0.1:9901", "[::1]:9901", "localhost:1", "LocalHost", "sluice.internal:9901", "Sluice.Internal", "Edge-1.internal:80", "scraped", "scraped.:1"} {
		if a := d.do("GET", "/routes", "", "Host: "+host); a.status != 200 {
			t.Errorf("Host %s: %d", host, a.status)
		}
	}
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:9901", "internal", "evil.example:127", "edge-1.internal.evil.example"} {
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

// changes are calls that would change something, with what comes before their
// body; target is that of api.
func changes(d *desk) []struct{ method, path, body string } {
	target := "/upstreams/api/targets/" + d.proxy.Generation().Pools()["api"].Targets[0].Address + "/drain"
	return []struct{ method, path, body string }{
		{"POST", "/reload", ""}, {"POST", "/reload?dry=1", ""}, {"PUT", "/log", `{"level":"debug"}`}, {"POST", "/log", `{"level":"debug"}`},
		{"POST", target, ""}, {"DELETE", target, ""}, {"POST", "/upgrade", ""},
	}
}

// untouched fails if anything is not as it was at the start.
func (d *desk) untouched() {
	d.t.Helper()
	drained, _ := d.proxy.Generation().Pools()["api"].Targets[0].Drained()
	if d.upgrades.Load() > 0 || d.log.LevelName() != "info" || drained || d.proxy.Generation().Number != 1 || strings.Contains(d.do("GET", "/reload", "").body, `"cause": "request"`) {
		d.t.Error("something was changed")
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
	for _, c := range changes(d) {
		ask(t, http.DefaultTransport, c.method, base+c.path, c.body).fails(t, 403, "this machine only")
		ask(t, http.DefaultTransport, c.method, base+c.path, c.body, "Authorization: Bearer ").fails(t, 403, "this machine only")
	}
	d.untouched()
}

func TestChangesWithTheToken(t *testing.T) {
	const token = "0123456789abcdef+/="
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{"token": `"token": "` + token + `"`, "token_file": `"token_file": "` + file + `"`} {
		t.Run(name, func(t *testing.T) {
			d := open(t, strings.Replace(conf, `"hosts":`, key+`, "hosts":`, 1))
			base := "http://" + d.listen(func(ln net.Listener) net.Listener { return foreign{ln} })
			via := func(c struct{ method, path, body string }, fields ...string) answer {
				return ask(t, http.DefaultTransport, c.method, base+c.path, c.body, fields...)
			}
			for _, c := range changes(d) {
				for _, field := range []string{"X: y", "Authorization: Bearer", "Authorization: Bearer " + token + "x", "Authorization: Bearer " + token[1:],
					"Authorization: Basic " + token, "Authorization: " + token} {
					a := via(c, field)
					a.fails(t, 401, "need the token")
					if a.header.Get("WWW-Authenticate") != "Bearer" || strings.Contains(a.body, token) {
						t.Errorf("%s: %v %s", field, a.header, a.body)
					}
				}
				via(c, "Authorization: Bearer "+token, "Sec-Fetch-Site: cross-site").fails(t, 403, "other sites")
			}
			d.untouched()
			for _, c := range changes(d) {
				if a := via(c, "Authorization: bearer "+token); a.status != 200 {
					t.Errorf("%s %s with the token: %d %s", c.method, c.path, a.status, a.body)
				}
			}
			if a := d.do("POST", "/reload", ""); a.status != 200 {
				t.Errorf("from this machine: %d %s", a.status, a.body)
			}
			if shown := d.do("GET", "/config", "").body; strings.Contains(shown, token) {
				t.Errorf("the token is shown: %s", shown)
			}
		})
	}
}

// TestTokenFileIsReadAnew: a new token holds at once, and without one nothing is changed.
func TestTokenFileIsReadAnew(t *testing.T) {
	const first, second = "first-0123456789abcdef", "second-0123456789abcdef"
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(first)
	d := open(t, strings.Replace(conf, `"hosts":`, `"token_file": "`+file+`", "hosts":`, 1))
	base := "http://" + d.listen(func(ln net.Listener) net.Listener { return foreign{ln} })
	with := func(token string) int {
		return ask(t, http.DefaultTransport, "POST", base+"/reload", "", "Authorization: Bearer "+token).status
	}
	got := []int{with(first), with(second)}
	write(second)
	got = append(got, with(first), with(second))
	write("short")
	got = append(got, with("short"), with(second))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	got = append(got, with(second), with(""))
	if want := []int{200, 401, 401, 200, 401, 401, 401, 401}; !slices.Equal(got, want) {
		t.Errorf("answered %v, want %v", got, want)
	}
}

// TestFormsAreRefused: what a page could send without a word of ours.
func TestFormsAreRefused(t *testing.T) {
	d := open(t, conf)
	for _, c := range changes(d) {
		for _, media := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/plain;charset=application/json", "application/jsonp"} {
			d.do(c.method, c.path, c.body, "Content-Type: "+media).fails(t, 415, "Content-Type: application/json")
		}
	}
	d.do("PUT", "/log", `{"level":"debug"}`, "Content-Type: ").fails(t, 415, "Content-Type: application/json")
	d.untouched()
	if a := d.do("PUT", "/log", `{"level":"debug"}`, "Content-Type: Application/JSON; charset=utf-8"); a.status != 200 {
		t.Errorf("JSON: %d %s", a.status, a.body)
	}
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
