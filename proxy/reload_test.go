package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
)

// TestRequestEndsByItsOwnGeneration reloads under a request: it ends as it began,
// the next one goes by what is in force then.
func TestRequestEndsByItsOwnGeneration(t *testing.T) {
	asked, answer, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	old := origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			return
		}
		close(asked)
		<-answer
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
		_, _ = br.ReadByte()
		close(closed)
	})
	b := serve(t, to(old))
	first := b.proxy.Generation()
	c := b.dial()
	br := bufio.NewReader(c)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-asked
	b.reload(to(answering(t, hello)))
	if now := b.proxy.Generation(); now == first || now.Number != first.Number+1 {
		t.Errorf("generation %d follows %d", now.Number, first.Number)
	}
	if status, body := b.get("/"); status != 200 || body != "hello" {
		t.Errorf("after the reload: %d %q", status, body)
	}
	close(answer)
	if _, err := readHead(br); err != nil {
		t.Fatalf("the request under way fails: %v", err)
	}
	body := make([]byte, 3)
	if _, err := io.ReadFull(br, body); err != nil || string(body) != "old" {
		t.Errorf("the request under way is answered %q, %v", body, err)
	}
	wantHello(t, c, br) // the client's connection goes on, by the new generation
	<-closed            // the old target's does not
}

// TestReloadKeepsWhatStays: connections, counters and targets of an upstream that
// did not change are not touched.
func TestReloadKeepsWhatStays(t *testing.T) {
	conns := make(chan struct{}, 10)
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		conns <- struct{}{}
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			_, _ = io.WriteString(c, hello)
		}
	})
	b := serve(t, to(addr))
	b.get("/")
	pool := b.proxy.Generation().Pools()["u"]
	edited := strings.Replace(to(addr), `"routes": [`, `"routes": [ { "name": "more", "path": "/more", "respond": {} },`, 1)
	for range 3 {
		b.reload(edited)
	}
	b.get("/")
	if b.proxy.Generation().Pools()["u"] != pool {
		t.Error("the pool is another")
	}
	if n := len(conns); n != 1 {
		t.Errorf("%d connections to the origin, want 1", n)
	}
	for name, want := range map[string]string{
		`sluice_requests_total{class="2xx",route="all"}`:                                      "2",
		`sluice_upstream_requests_total{upstream="u"}`:                                        "2",
		fmt.Sprintf(`sluice_target_requests_total{result="ok",target=%q,upstream="u"}`, addr): "2",
		fmt.Sprintf(`sluice_target_connects_total{result="ok",target=%q,upstream="u"}`, addr): "1",
		fmt.Sprintf(`sluice_target_reuses_total{target=%q,upstream="u"}`, addr):               "1",
		fmt.Sprintf(`sluice_target_connections{state="idle",target=%q,upstream="u"}`, addr):   "1",
		fmt.Sprintf(`sluice_target_usable{target=%q,upstream="u"}`, addr):                     "1",
		"sluice_config_generation":                           "4",
		`sluice_response_body_bytes_total{route="all"}`:      "10",
		`sluice_request_duration_seconds_count{route="all"}`: "2",
		`sluice_upstream_header_seconds_count{upstream="u"}`: "2",
	} {
		b.counts(name, want)
	}
	b.reload(`{ LISTEN, "routes": [ { "name": "only", "path": "/*", "respond": {} } ] }`)
	for _, gone := range []string{`sluice_requests_total{class="2xx",route="all"}`, `sluice_upstream_requests_total{upstream="u"}`,
		fmt.Sprintf(`sluice_target_usable{target=%q,upstream="u"}`, addr)} {
		if got := b.series(gone); got != "" {
			t.Errorf("%s is still there: %s", gone, got)
		}
	}
}

// TestDiscardedCandidateLeavesNothing prepares what is not put in force.
func TestDiscardedCandidateLeavesNothing(t *testing.T) {
	addr := answering(t, hello)
	b := serve(t, to(addr))
	before := b.proxy.Generation()
	cfg, err := config.Parse([]byte(strings.Replace(
		strings.ReplaceAll(to(addr), `"all"`, `"other"`), "LISTEN", `"listeners": [ { "address": "127.0.0.1:0" } ]`, 1)), proxy.Catalog())
	if err != nil {
		t.Fatal(err)
	}
	candidate, err := b.proxy.Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if candidate.Generation() == before || b.proxy.Generation() != before {
		t.Error("a candidate is in force before its commit")
	}
	candidate.Discard()
	if b.proxy.Generation() != before {
		t.Error("a candidate that was discarded is in force")
	}
	if got := b.series(`sluice_requests_total{class="2xx",route="other"}`); got != "" {
		t.Errorf("its series are there: %s", got)
	}
	if status, body := b.get("/"); status != 200 || body != "hello" {
		t.Errorf("then %d %q", status, body)
	}
	b.counts(fmt.Sprintf(`sluice_target_requests_total{result="ok",target=%q,upstream="u"}`, addr), "1")
}

// TestFailuresAreCounted by route and reason.
func TestFailuresAreCounted(t *testing.T) {
	b := serve(t, strings.Replace(over("", deadAddress(t)), `"path": "/*"`, `"path": "/x/*", "methods": [ "GET" ]`, 1))
	b.get("/x/")
	b.get("/none")
	b.raw("PUT /x/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	for name, want := range map[string]string{
		`sluice_failures_total{reason="connect_failed",route="all"}`:  "1",
		`sluice_failures_total{reason="no_route",route=""}`:           "1",
		`sluice_failures_total{reason="method_not_allowed",route=""}`: "1",
		`sluice_requests_total{class="4xx",route=""}`:                 "2",
		`sluice_requests_total{class="5xx",route="all"}`:              "1",
	} {
		b.counts(name, want)
	}
}

// TestNothingIsLeft counts goroutines of ours after everything has ended: uploads,
// tunnels, connections, retired pools.
func TestNothingIsLeft(t *testing.T) {
	before := ours()
	b := serve(t, to(echo(t)))
	for range 4 {
		b.raw("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	}
	b.get("/")
	leaver := b.dial()
	_, _ = io.WriteString(leaver, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	within(t, "the upload has begun", func() bool { return b.proxy.InFlight() == 1 })
	_ = leaver.Close()
	b.dial() // and says nothing
	b.reload(`{ LISTEN, "routes": [ { "name": "only", "path": "/*", "respond": {} } ] }`)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.server.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	within(t, "all goroutines have ended", func() bool { return len(ours()) <= len(before) })
}

// ours returns the stacks of the goroutines that run code of the product.
func ours() []string {
	buf := make([]byte, 4<<20)
	var all []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		for _, of := range []string{"sluice/proxy.", "sluice/server.", "sluice/upstream."} {
			if strings.Contains(stack, of) {
				all = append(all, stack)
				break
			}
		}
	}
	return all
}
