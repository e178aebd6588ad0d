package admin_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/hotreload"
	"github.com/sluiceproxy/sluice/telemetry"
)

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
	a := admin.New(admin.Options{Proxy: d.proxy, Metrics: telemetry.NewMetrics(""), Log: d.log, Reload: func(context.Context, string) hotreload.Outcome {
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
