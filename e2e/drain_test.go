package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// holdingOrigin answers when told to.
func holdingOrigin(t *testing.T) (addr string, arrived, release chan bool) {
	arrived, release = make(chan bool, 10), make(chan bool, 10)
	addr = origin(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begun,")
		w.(http.Flusher).Flush()
		arrived <- true
		select {
		case <-release:
			_, _ = io.WriteString(w, "done")
		case <-r.Context().Done():
		}
	})
	return addr, arrived, release
}

// TestDrain ends Sluice in the middle of an answer.
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		addr, arrived, release := holdingOrigin(t)
		p := serve(t, proxyTo(addr))
		idle := dial(t, p.addr)
		idle.send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
		from(t, arrived)
		to(t, release, true)
		idle.response("GET").wants(t, 200, "begun,done")
		answers := make(chan answer, 1)
		go func() {
			req, _ := http.NewRequest("GET", "http://"+p.addr+"/", nil)
			a, err := try(client(t), req)
			if err != nil {
				t.Errorf("the request under way failed: %v", err)
				a.Response = &http.Response{}
			}
			answers <- a
		}()
		from(t, arrived)
		p.signal(s)
		p.log.after(t, 0, "draining")
		idle.wantsEnd()
		awaitRefusal(t, p.addr)
		p.signal(syscall.SIGHUP) // is none of the signals that end it at once
		select {
		case <-p.done:
			t.Fatal("it has not waited for the request")
		case a := <-answers:
			t.Fatalf("%q before the origin is done", a.body)
		default:
		}
		to(t, release, true)
		from(t, answers).wants(t, 200, "begun,done")
		if code := p.exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if !strings.Contains(p.log.String(), "stopped") {
			t.Errorf("the log does not tell the end:\n%s", p.log)
		}
	}
}

// awaitRefusal waits until nobody accepts connections on an address.
func awaitRefusal(t *testing.T, addr string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_ = c.Close()
	}
	t.Error("connections are still accepted")
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	addr, arrived, _ := holdingOrigin(t)
	p := serve(t, `"limits": {"drain_timeout": "10m"}, `+proxyTo(addr))
	c := dial(t, p.addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	from(t, arrived)
	p.signal(syscall.SIGTERM)
	p.log.after(t, 0, "draining")
	p.signal(syscall.SIGTERM)
	p.exit()
	wantsCutOff(t, c)
}

// wantsCutOff fails the test if what the client gets looks like a whole answer.
func wantsCutOff(t *testing.T, c *rawClient) {
	t.Helper()
	resp, err := http.ReadResponse(c.br, nil)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Error("the answer that was cut off looks whole")
	}
}

func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	addr, arrived, _ := holdingOrigin(t)
	p := serve(t, `"limits": {"drain_timeout": "200ms"}, `+proxyTo(addr))
	c := dial(t, p.addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	from(t, arrived)
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Errorf("it ended after %s", took)
	}
	wantsCutOff(t, c)
	if !strings.Contains(p.log.String(), "cut off") {
		t.Errorf("the log does not tell what was cut off:\n%s", p.log)
	}
}

// TestDrainDelay ends Sluice where a load balancer needs time to take note: it
// says so at once, and serves as before until the time is over.
func TestDrainDelay(t *testing.T) {
	t.Parallel()
	admin := reserve(t)
	p := serve(t, fmt.Sprintf(`"admin": {"address": %q}, "limits": {"drain_delay": "2s"}, %s`, admin, proxyTo(named(t, "A"))))
	c := client(t)
	get(t, c, "http://"+admin+"/readyz").wants(t, 200, "ready")
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	for get(t, c, "http://"+admin+"/readyz").StatusCode != 503 {
	}
	traffic := startLoad(t, p.addr)
	fresh := 0
	for ; ; fresh++ {
		d, err := net.Dial("tcp", p.addr)
		if err != nil {
			break
		}
		_ = d.Close()
	}
	if took := time.Since(begun); took < 2*time.Second || fresh == 0 {
		t.Errorf("it took connections for %s, %d of them", took, fresh)
	}
	traffic.stop()
	traffic.running.Wait()
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSecondSignalEndsDrainDelay(t *testing.T) {
	t.Parallel()
	p := serve(t, `"limits": {"drain_delay": "10m"}, "routes": [{"name": "a", "path": "/", "respond": {}}]`)
	p.signal(syscall.SIGTERM)
	p.log.after(t, 0, "draining")
	get(t, client(t), "http://"+p.addr+"/").wants(t, 200, "")
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestDrainUnderLoad ends Sluice while clients send as fast as they can: every
// request on a connection that was established is answered, POSTs included.
func TestDrainUnderLoad(t *testing.T) {
	t.Parallel()
	for range 3 {
		p := serve(t, proxyTo(named(t, "A")))
		traffic := startLoad(t, p.addr)
		traffic.awaitMore(t, 500)
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		traffic.stop()
		traffic.running.Wait()
		refused := traffic.refused.Load()
		t.Logf("%d requests, %d not connected", traffic.done.Load(), refused)
		if n := traffic.failed.Load() - refused; n > 0 {
			t.Errorf("%d of %d requests failed; the first: %s", n, traffic.done.Load(), traffic.problem())
		}
	}
}
