package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// listeners is a config with several listeners that answers everything.
func listeners(addrs ...string) string {
	var list []string
	for _, a := range addrs {
		list = append(list, fmt.Sprintf(`{"address": %q}`, a))
	}
	return fmt.Sprintf(`{"listeners": [%s],
"routes": [{"name": "all", "path": "/*", "respond": {"body": "A"}}]}`, strings.Join(list, ", "))
}

// TestListenersComeAndGo adds and removes listeners while another one serves.
func TestListenersComeAndGo(t *testing.T) {
	t.Parallel()
	stays, changes := reserve(t), reserve(t)
	p := serveFile(t, sluice, write(t, listeners(stays)))
	traffic := startLoad(t, stays)
	for range 3 {
		p.edit(listeners(stays, changes), inForce)
		kept := dial(t, changes)
		kept.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		kept.response("GET").wants(t, 200, "A")
		p.edit(listeners(stays), inForce)
		// Idle connections of a listener that is gone end, and nobody listens.
		kept.wantsEnd()
		if c, err := net.Dial("tcp", changes); err == nil {
			_ = c.Close()
			t.Errorf("%s still accepts connections", changes)
		}
	}
	traffic.end(t)
}

// TestListenerTakenByAnother has an edit ask for an address that is in use.
func TestListenerTakenByAnother(t *testing.T) {
	t.Parallel()
	taken := listen(t, "tcp", "127.0.0.1:0").Addr().String()
	addr, third := reserve(t), reserve(t)
	p := serveFile(t, sluice, write(t, listeners(addr)))
	line := p.edit(listeners(addr, third, taken), refused)
	if !strings.Contains(line, "listeners[2].address") || !strings.Contains(line, "config.json:1:") {
		t.Errorf("the log does not tell which listener: %s", line)
	}
	get(t, client(t), "http://"+addr+"/").wants(t, 200, "A")
	if c, err := net.Dial("tcp", third); err == nil {
		_ = c.Close()
		t.Error("a listener of the refused config is open")
	}
}

func TestUnixListenerAndTarget(t *testing.T) {
	t.Parallel()
	behind, front := socketPath(t), socketPath(t)
	app := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s by unix, from %q", r.Host, r.Header.Get("X-Forwarded-For"))
	})}
	l := listen(t, "unix", behind)
	go func() { _ = app.Serve(l) }()
	t.Cleanup(func() { _ = app.Close() })
	p := serveFile(t, sluice, write(t, listening("unix:"+front, proxyTo("unix:"+behind))))
	c := unixClient(t, front)
	get(t, c, "http://app.test/").wants(t, 200, `app.test by unix, from ""`)
	if out, _, code := curl(t, "--unix-socket", front, "http://app.test/"); code != 0 || !strings.HasPrefix(out, "app.test by unix") {
		t.Errorf("curl: exit code %d, %q", code, out)
	}
	p.signal(os.Interrupt)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(front); err == nil {
		t.Error("the socket is left behind")
	}
}

// TestSocketLeftBehind starts over a socket that a killed process has left.
func TestSocketLeftBehind(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	serveFile(t, sluice, write(t, listeners("unix:"+path)))
	get(t, unixClient(t, path), "http://app.test/").wants(t, 200, "A")
}
