package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDescriptorsRunOut has far more clients come and hold their connections than
// the process has descriptors for. It must go on serving those it has let in, keep
// its admin interface and take a reload; who waits is let in when the others leave.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	const clients, storm = 10, 500
	addr, admin, target := reserve(t), reserve(t), named(t, "one")
	text := func(weight int) string {
		return listening(addr, fmt.Sprintf(`"admin": {"address": %q}, "limits": {"header_timeout": "10m", "connections": %d},
"upstreams": {"up": {"targets": [{"address": %q, "weight": %d}]}},
"routes": [{"name": "all", "path": "/*", "upstream": "up"}]`, admin, 5000, target, weight))
	}
	file := write(t, text(1))
	p := start(t, "/bin/sh", "-c", `ulimit -n 200; exec "$0" run -config "$1"`, sluice, file)
	p.file = file
	line, _ := p.log.after(t, 0, "process budgets")
	if !strings.Contains(line, `"descriptors":200,`) || !strings.Contains(line, `"client_connections":80,`) {
		t.Errorf("budgets: %s", line)
	}
	p.log.after(t, 0, "the descriptor limit is too low", `"level":"warn"`)

	// Good clients, each on the connection it has from the beginning.
	stop := make(chan struct{})
	var sending sync.WaitGroup
	served := make([]int, clients)
	for i := range clients {
		c := dial(t, addr)
		_ = c.SetDeadline(time.Time{})
		c.send("GET / HTTP/1.1\r\nHost: e\r\n\r\n")
		c.response("GET").wants(t, 200, "one")
		sending.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_ = c.SetDeadline(time.Now().Add(patience))
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: e\r\n\r\n"); err != nil {
					t.Errorf("good client: %v", err)
					return
				}
				resp, err := http.ReadResponse(c.br, nil)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
				}
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("good client, after %d requests: %v, %v", served[i], resp, err)
					return
				}
				served[i]++
			}
		})
	}

	mark := p.log.mark()
	held := make([]net.Conn, 0, storm)
	for range storm {
		c, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	p.log.after(t, mark, "new clients wait until connections are closed")
	late := dial(t, addr)
	_ = late.SetDeadline(time.Now().Add(2 * patience))
	late.send("GET / HTTP/1.1\r\nHost: e\r\n\r\n")

	c := client(t)
	metrics := get(t, c, "http://"+admin+"/metrics")
	for _, part := range []string{
		"\nsluice_client_connections 80\n", "\nsluice_client_connections_max 80\n", "\nsluice_accept_held_total 1\n",
		"\nprocess_max_fds 200\n", "\nprocess_open_fds ", "\ngo_gc_gomemlimit_bytes ",
	} {
		metrics.wants(t, 200, part)
	}
	p.edit(text(2), inForce)
	get(t, c, "http://"+admin+"/readyz").wants(t, 200, "ready")

	for _, h := range held {
		_ = h.Close()
	}
	late.response("GET").wants(t, 200, "one")
	for range 50 {
		fresh := dial(t, addr)
		fresh.send("GET / HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n")
		fresh.response("GET").wants(t, 200, "one")
	}
	close(stop)
	sending.Wait()
	total := 0
	for i, n := range served {
		if total += n; n == 0 {
			t.Errorf("good client %d was not served", i)
		}
	}
	t.Logf("%d requests on %d connections while %d clients held theirs", total, clients, storm)
	get(t, c, "http://"+admin+"/metrics").wants(t, 200, `sluice_requests_total{class="5xx",route="all"} 0`)
	if text := p.log.String(); strings.Contains(text, "too many open files") || strings.Count(text, "new clients wait") != 1 {
		t.Errorf("log: %s", text)
	}
}

// TestIdlePoolsGiveWay has the same clients ask three upstreams in turn: the
// connections left idle to one are closed where another needs the descriptors.
func TestIdlePoolsGiveWay(t *testing.T) {
	t.Parallel()
	const clients = 25
	addr, admin := reserve(t), reserve(t)
	var upstreams, routes []string
	for _, name := range []string{"a", "b", "c"} {
		var together sync.WaitGroup // no answer before all have asked, so that each needs a connection
		together.Add(clients)
		target := origin(t, func(w http.ResponseWriter, _ *http.Request) {
			together.Done()
			together.Wait()
			_, _ = io.WriteString(w, name)
		})
		upstreams = append(upstreams, fmt.Sprintf(`%q: {"targets": [{"address": %q}], "timeouts": {"connect": "30s"}}`, name, target))
		routes = append(routes, fmt.Sprintf(`{"name": %q, "path": "/%[1]s", "upstream": %[1]q}`, name))
	}
	file := write(t, listening(addr, fmt.Sprintf(`"admin": {"address": %q}, "upstreams": {%s}, "routes": [%s]`,
		admin, strings.Join(upstreams, ", "), strings.Join(routes, ", "))))
	p := start(t, "/bin/sh", "-c", `ulimit -n 100; exec "$0" run -config "$1"`, sluice, file)
	p.log.after(t, 0, "process budgets")
	var all []*rawClient
	for range clients {
		all = append(all, dial(t, addr))
	}
	c := client(t)
	for _, name := range []string{"a", "b", "c"} {
		for _, one := range all {
			_ = one.SetDeadline(time.Now().Add(patience))
			one.send("GET /" + name + " HTTP/1.1\r\nHost: e\r\n\r\n")
		}
		for _, one := range all {
			one.response("GET").wants(t, 200, name)
		}
		if name != "b" {
			continue
		}
		// Those to a, while those to b are in use; or both, if these are idle already.
		for began := time.Now(); ; {
			free := true
			for line := range strings.Lines(get(t, c, "http://"+admin+"/metrics").body) {
				if strings.HasPrefix(line, "sluice_target_connections{") && strings.Contains(line, `state="idle"`) && strings.Contains(line, `upstream="a"`) && !strings.HasSuffix(line, " 0\n") {
					free = false
				}
			}
			if free {
				break
			}
			if time.Since(began) > patience {
				t.Fatal("idle connections are not given up")
			}
		}
	}
	if text := p.log.String(); strings.Contains(text, "too many open files") {
		t.Errorf("log: %s", text)
	}
}
