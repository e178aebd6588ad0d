package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/demo"
	"github.com/sluiceproxy/sluice/hotreload"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

// desk is an admin interface on a real socket, with the proxy and the watched
// config file behind it.
type desk struct {
	t       testing.TB
	file    string
	addr    string
	admin   *admin.Admin
	proxy   *proxy.Proxy
	log     *telemetry.Log
	scope   *telemetry.Scope // counts for routes as requests would
	journal admin.Journal
	edit    edit
	// upgrades counts those asked for; each goes well.
	upgrades atomic.Int32
	written  *bytes.Buffer // what was logged, to be read only when nothing logs
	unready  atomic.Pointer[string]
}

const conf = `{
  "listeners": [ { "address": "127.0.0.1:0" } ],
  "admin": { "address": "sluice.internal:9901", "hosts": ["edge-1.internal", "scraped."] },
  "upstreams": {
    "api": { "targets": [ { "address": "TARGET", "weight": 5 }, { "address": "127.0.0.1:2", "backup": true } ] },
    "cache": { "balance": "consistent_hash", "hash": { "key": "header:X-User" }, "targets": [ { "address": "TARGET" } ] }
  },
  "middlewares": { "v1": { "type": "strip_prefix", "prefix": "/v1" }, "away": { "type": "redirect", "to": "/v1" } },
  "routes": [
    { "name": "api", "hosts": ["api.example.com"], "path": "/v1/*", "methods": ["GET"], "headers": { "X-Canary": "1" },
      "query": { "q": "*" }, "cookies": { "c": "~^a" }, "middlewares": ["v1"], "upstream": "api" },
    { "name": "away", "path": "/old", "middlewares": ["away"] },
    { "name": "ping", "path": "/ping", "respond": { "body": "pong\n" } },
    { "name": "rest", "path": "/*", "upstream": "cache" }
  ]
}`

// open starts a desk whose config has TARGET for the address of a demo origin.
func open(t testing.TB, text string) *desk {
	t.Helper()
	origin, err := demo.Start(demo.Options{Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = origin.Close() })
	d := &desk{t: t, file: filepath.Join(t.TempDir(), "config.json"), written: new(bytes.Buffer)}
	d.log = telemetry.NewLog(d.written)
	d.write(strings.ReplaceAll(text, "TARGET", origin.Addr()))
	metrics := telemetry.NewMetrics("v1.2.3")
	d.scope = metrics.Scope()
	d.proxy = proxy.New(proxy.Options{Metrics: metrics, Trouble: func(msg string) { t.Error(msg) }})
	watcher, err := hotreload.New(hotreload.Options{
		Path: d.file, Apply: d.apply, Told: d.told,
		Poll: -1, Debounce: time.Hour, // only what is asked for is reloaded
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.apply(hotreload.Change{Data: data}); err != nil {
		t.Fatal(err)
	}
	watcher.Seen(data)
	ctx, cancel := context.WithCancel(context.Background())
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		_ = watcher.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-watching })
	d.admin = admin.New(admin.Options{
		Proxy: d.proxy, Metrics: metrics, Log: d.log, Version: "v1.2.3",
		Upgrade: func() (admin.Upgraded, error) { d.upgrades.Add(1); return admin.Upgraded{}, nil },
		Started: time.Now(), Connections: func() int64 { return 3 }, Journal: &d.journal,
		Reload: watcher.Reload, Force: watcher.Force, DryRun: d.dryRun, Status: watcher.Last, Ready: d.ready,
	})
	d.addr = d.listen(func(ln net.Listener) net.Listener { return ln })
	return d
}

func (d *desk) write(text string) {
	d.t.Helper()
	if err := os.WriteFile(d.file, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// edit is what the last reload was about.
type edit struct {
	changes *proxy.Changes
	src     []byte
}

func (d *desk) told(o hotreload.Outcome) {
	d.journal.Note(o, d.proxy.Generation().Number, d.edit.changes, d.edit.src)
	d.edit = edit{}
}

func (d *desk) apply(c hotreload.Change) error {
	d.edit = edit{src: c.Data}
	cfg, err := config.Parse(c.Data, proxy.Catalog())
	if err != nil {
		return err
	}
	if g := d.proxy.Generation(); g != nil {
		d.edit.changes = proxy.Diff(g.Config, cfg)
	}
	candidate, err := d.proxy.Prepare(cfg)
	if err != nil {
		return config.Place(c.Data, err)
	}
	candidate.Commit()
	return nil
}

func (d *desk) dryRun(bool) (*proxy.Changes, error) {
	src, err := os.ReadFile(d.file)
	if err != nil {
		return nil, err
	}
	cfg, err := config.Parse(src, proxy.Catalog())
	if err != nil {
		return nil, err
	}
	return proxy.Diff(d.proxy.Generation().Config, cfg), nil
}

func (d *desk) ready() (bool, string) {
	if why := d.unready.Load(); why != nil {
		return false, *why
	}
	return true, ""
}

// listen serves on one more loopback address, which wrap may change.
func (d *desk) listen(wrap func(net.Listener) net.Listener) string {
	d.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	d.serve(wrap(ln))
	return ln.Addr().String()
}

func (d *desk) serve(ln net.Listener) {
	served := make(chan error, 1)
	go func() { served <- d.admin.Serve(ln) }()
	d.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = d.admin.Close(ctx)
		if err := <-served; err != nil {
			d.t.Errorf("Serve: %v", err)
		}
	})
}

// answer is what was answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// do asks; fields are "K: V". A body is called JSON if they do not say otherwise.
func (d *desk) do(method, path, body string, fields ...string) answer {
	d.t.Helper()
	return ask(d.t, http.DefaultTransport, method, "http://"+d.addr+path, body, fields...)
}

func ask(t testing.TB, via http.RoundTripper, method, url, body string, fields ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, ": ")
		if k == "Host" {
			req.Host = v
		}
		req.Header.Set(k, v)
	}
	resp, err := via.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(got)}
}

// is checks status and body; in the body wanted, *** stands for the part of a
// line that is not always the same.
func (a answer) is(t testing.TB, status int, body string) {
	t.Helper()
	if a.status != status || !sameShape(a.body, body) {
		t.Errorf("answered %d\n%s\nwant %d\n%s", a.status, a.body, status, body)
	}
}

func sameShape(got, want string) bool {
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(gotLines) != len(wantLines) {
		return false
	}
	for i, w := range wantLines {
		before, after, any := strings.Cut(w, "***")
		g := gotLines[i]
		if g != w && !(any && len(g) > len(before)+len(after) && strings.HasPrefix(g, before) && strings.HasSuffix(g, after)) {
			return false
		}
	}
	return true
}

// fails checks the status of an error and that its text has a part.
func (a answer) fails(t testing.TB, status int, part string) {
	t.Helper()
	var e struct{ Error string }
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Errorf("answered %d %q: %v", a.status, a.body, err)
	}
	if a.status != status || !strings.Contains(e.Error, part) {
		t.Errorf("answered %d %q, want %d … %s …", a.status, e.Error, status, part)
	}
}

// foreign is a listener whose connections seem to come from elsewhere.
type foreign struct{ net.Listener }

func (f foreign) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return foreignConn{c}, nil
}

type foreignConn struct{ net.Conn }

func (foreignConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

// failing is a listener whose first Accepts fail.
type failing struct {
	net.Listener
	left atomic.Int32
}

func (f *failing) Accept() (net.Conn, error) {
	if f.left.Add(-1) >= 0 {
		return nil, fmt.Errorf("too many open files")
	}
	return f.Listener.Accept()
}
