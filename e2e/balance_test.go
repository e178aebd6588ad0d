package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// upstreamOf are the sections that send everything to one upstream made of the
// given JSON objects, its targets.
func upstreamOf(settings string, targets ...string) string {
	return fmt.Sprintf(`"upstreams": {"origin": {%s"targets": [%s]}},
"routes": [{"name": "all", "path": "/*", "upstream": "origin"}]`, settings, strings.Join(targets, ", "))
}

func target(addr, more string) string { return fmt.Sprintf(`{"address": %q%s}`, addr, more) }

func TestWeights(t *testing.T) {
	t.Parallel()
	p := serve(t, upstreamOf("", target(named(t, "a"), `, "weight": 5`), target(named(t, "b"), ""), target(named(t, "c"), "")))
	c, got, order := client(t), map[string]int{}, ""
	for range 70 {
		name := get(t, c, "http://"+p.addr+"/").body
		got[name]++
		order += name
	}
	if got["a"] != 50 || got["b"] != 10 || got["c"] != 10 {
		t.Errorf("of 70 requests: %v", got)
	}
	// The turn begins anywhere in the cycle, but it is that cycle.
	if cycle := "aabacaa"; !strings.Contains(strings.Repeat(cycle, 12), order) {
		t.Errorf("order %s, want the cycle %s", order, cycle)
	}
}

// TestHashSticks has users keep their target, also when another one goes.
func TestHashSticks(t *testing.T) {
	t.Parallel()
	const settings = `"balance": "consistent_hash", "hash": {"key": "header:X-User"}, `
	var targets []string
	for _, name := range []string{"a", "b", "c", "d"} {
		targets = append(targets, target(named(t, name), ""))
	}
	p := serve(t, upstreamOf(settings, targets...))
	c := client(t)
	homes := func() []string {
		var all []string
		for user := range 300 {
			req, _ := http.NewRequest("GET", "http://"+p.addr+"/", nil)
			req.Header.Set("X-User", fmt.Sprintf("user-%d", user))
			all = append(all, do(t, c, req).body)
		}
		return all
	}
	before := homes()
	for user, home := range homes() {
		if home != before[user] {
			t.Errorf("user %d was at %s and is at %s", user, before[user], home)
		}
	}
	p.edit(listening(p.addr, upstreamOf(settings, targets[0], targets[1], targets[3])), inForce)
	share := map[string]int{}
	for user, home := range homes() {
		share[before[user]]++
		if was := before[user]; was != "c" && home != was || home == "c" {
			t.Errorf("user %d moved from %s to %s when c went", user, was, home)
		}
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if share[name] < 30 {
			t.Errorf("%s had %d of 300 users", name, share[name])
		}
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	dead := reserve(t) // bound, and nobody listens
	p := serve(t, upstreamOf("", target(dead, ""), target(named(t, "backup"), `, "backup": true`)))
	c := client(t)
	for range 20 {
		get(t, c, "http://"+p.addr+"/").wants(t, 200, "backup")
	}
	l := listen(t, "tcp", dead)
	rawServe(t, l, answering("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nprimary", false))
	// However long it takes to be believed in again, it is.
	awaitBody(t, c, "http://"+p.addr+"/", "primary")
}

// awaitBody asks until the answer has the body.
func awaitBody(t *testing.T, c *http.Client, url, want string) {
	t.Helper()
	last := ""
	for begun := time.Now(); time.Since(begun) < patience; {
		if last = get(t, c, url).body; last == want {
			return
		}
	}
	t.Errorf("the answer is still %q, want %q", last, want)
}

func TestTargetByName(t *testing.T) {
	t.Parallel()
	_, port, _ := net.SplitHostPort(named(t, "by name"))
	p := serve(t, proxyTo("localhost:"+port))
	c := client(t)
	for range 5 {
		get(t, c, "http://"+p.addr+"/").wants(t, 200, "by name")
	}
}

func TestHostThatTargetsSee(t *testing.T) {
	t.Parallel()
	addr := origin(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s for %s", r.Host, r.Header.Get("X-Forwarded-Host"))
	})
	for _, c := range []struct{ host, want string }{
		{"client", "asked.test:81"}, {"target", addr}, {"app.test:82", "app.test:82"},
	} {
		p := serve(t, proxyTo(addr, fmt.Sprintf(`"host": %q`, c.host)))
		req, _ := http.NewRequest("GET", "http://"+p.addr+"/", nil)
		req.Host = "asked.test:81"
		if got, want := do(t, client(t), req).body, c.want+" for asked.test:81"; got != want {
			t.Errorf("host %s: the target sees %q, want %q", c.host, got, want)
		}
	}
}
