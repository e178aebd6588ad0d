package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/telemetry"
)

// bed is a proxy on a real socket.
type bed struct {
	t       testing.TB
	proxy   *proxy.Proxy
	server  *server.Server
	metrics *telemetry.Metrics
	addr    string
	// trouble is told of bugs survived; one fails the test unless it is changed.
	trouble func(msg string)
}

// serve starts a proxy with the given config, in which LISTEN stands for the
// listeners section.
func serve(t testing.TB, text string) *bed {
	t.Helper()
	b := &bed{t: t, metrics: telemetry.NewMetrics("test")}
	b.trouble = func(msg string) { t.Errorf("trouble: %s", msg) }
	b.proxy = proxy.New(proxy.Options{Metrics: b.metrics, Trouble: func(msg string) { b.trouble(msg) }})
	b.server = server.New(server.Options{Handler: b.proxy.Handle})
	b.reload(text)
	b.addr = b.server.Addresses()["127.0.0.1:0"].String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = b.server.Shutdown(ctx)
	})
	return b
}

func (b *bed) reload(text string) {
	b.t.Helper()
	text = strings.Replace(text, "LISTEN", `"listeners": [{"address": "127.0.0.1:0"}]`, 1)
	cfg, err := config.Parse([]byte(text), proxy.Catalog())
	if err != nil {
		b.t.Fatalf("config: %v", err)
	}
	candidate, err := b.proxy.Prepare(cfg)
	if err != nil {
		b.t.Fatalf("prepare: %v", err)
	}
	change, err := b.server.Prepare(context.Background(), cfg.Listeners, cfg.Limits)
	if err != nil {
		b.t.Fatalf("listen: %v", err)
	}
	candidate.Commit()
	change.Commit()
}

// dial opens a connection to the proxy that ends with the test.
func (b *bed) dial() net.Conn {
	b.t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}

// raw sends bytes over a connection of its own and returns all that is answered
// until the proxy ends it, which the request must have asked for or brought about.
func (b *bed) raw(request string) string {
	b.t.Helper()
	c := b.dial()
	if _, err := io.WriteString(c, request); err != nil {
		b.t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil && (len(all) == 0 || sock.IsTimeout(err)) {
		b.t.Fatalf("answered %q, and then %v", all, err)
	}
	return string(all)
}

// get asks with Connection: close and returns status and body.
func (b *bed) get(path string, fields ...string) (int, string) {
	b.t.Helper()
	req, _ := http.NewRequest("GET", "http://"+b.addr+path, nil)
	for _, f := range fields {
		k, v, _ := strings.Cut(f, ": ")
		if k == "Host" {
			req.Host = v
		}
		req.Header.Add(k, v)
	}
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// origin is a scripted target: handle gets each connection.
func origin(t testing.TB, handle func(c net.Conn, br *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(30 * time.Second))
				handle(c, bufio.NewReader(c))
			}()
		}
	}()
	return l.Addr().String()
}

// readHead reads a request head as it came.
func readHead(br *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := br.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String(), err
		}
	}
}

// answering is an origin that reads heads without bodies and answers each with
// the same bytes.
func answering(t testing.TB, response string) string {
	return origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			if _, err := io.WriteString(c, response); err != nil {
				return
			}
		}
	})
}

func to(addr string) string {
	return fmt.Sprintf(`{ LISTEN, "upstreams": { "u": { "targets": [ { "address": %q } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`, addr)
}

// replace puts values in place of words.
func replace(text string, wordsAndValues ...string) string {
	return strings.NewReplacer(wordsAndValues...).Replace(text)
}

// series returns the value of a series as it stands in a scrape, "" for none.
func (b *bed) series(name string) string {
	b.t.Helper()
	var text strings.Builder
	if err := b.metrics.WriteText(&text); err != nil {
		b.t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// counts waits until a series has the value wanted: what is counted at the end of
// an exchange may come after the client has its answer.
func (b *bed) counts(name, want string) {
	b.t.Helper()
	within(b.t, name+" is "+want, func() bool { return b.series(name) == want })
}

// within waits for a condition that nothing tells of.
func within(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(15 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// deadAddress returns an address that refuses connections.
func deadAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// over is a config with one upstream, whose settings are given as JSON members,
// and one route.
func over(settings string, addresses ...string) string {
	var targets []string
	for _, a := range addresses {
		targets = append(targets, fmt.Sprintf(`{ "address": %q }`, a))
	}
	if settings != "" {
		settings += ", "
	}
	return `{ LISTEN, "upstreams": { "u": { ` + settings + `"targets": [ ` + strings.Join(targets, ", ") + ` ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`
}
