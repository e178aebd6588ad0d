package proxy_test

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/demo"
	"github.com/sluiceproxy/sluice/proxy"
)

// two is a config with two targets and what else the upstream is to have.
func two(a, b, more string) string {
	return replace(`{ LISTEN, "upstreams": { "u": { "balance": "round_robin", MORE "targets": [ { "address": "A" }, { "address": "B" } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`, "MORE", more, `"A"`, `"`+a+`"`, `"B"`, `"`+b+`"`)
}

const checked = `"health": { "active": { "path": "/healthz", "interval": "10ms", "rise": 1, "fall": 1 } },`

func startDemo(t *testing.T, name string) *demo.Origin {
	t.Helper()
	o, err := demo.Start(demo.Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// state waits until the i-th target of u is in a state, and returns its status.
func (b *bed) state(i int, want string) proxy.TargetStatus {
	b.t.Helper()
	limit := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		u := b.proxy.Generation().UpstreamList()[0]
		if s := u.Targets[i]; s.State == want {
			return s
		}
		select {
		case <-tick.C:
		case <-limit:
			b.t.Fatalf("target %d is %+v, want %s", i, u.Targets[i], want)
		}
	}
}

// answers counts who answers n requests.
func (b *bed) answers(n int) map[string]int {
	got := map[string]int{}
	for range n {
		_, body := b.get("/x")
		name, _, _ := strings.Cut(body, ":")
		got[name]++
	}
	return got
}

func TestTrafficFollowsChecks(t *testing.T) {
	one, other := startDemo(t, "one"), startDemo(t, "other")
	b := serve(t, two(one.Addr(), other.Addr(), checked))
	t.Cleanup(b.proxy.Close)
	if got := b.answers(4); got["one"] != 2 || got["other"] != 2 {
		t.Errorf("answered by %v", got)
	}
	one.SetHealthy(false)
	if s := b.state(0, "down"); s.Usable || s.Since.IsZero() || !strings.HasSuffix(s.Why, "status 503") {
		t.Errorf("the target that is down is shown as %+v", s)
	}
	if got := b.answers(4); got["other"] != 4 {
		t.Errorf("answered by %v", got)
	}
	// A reload that changes the upstream changes nothing of it.
	b.reload(two(one.Addr(), other.Addr(), `"timeouts": { "connect": "2s" },`+checked))
	if s := b.proxy.Generation().UpstreamList()[0].Targets[0]; s.State != "down" {
		t.Errorf("after a reload the target is %s", s.State)
	}
	if got := b.answers(4); got["other"] != 4 {
		t.Errorf("answered by %v", got)
	}
	b.wantMetric(`sluice_target_state{state="down",target="` + one.Addr() + `",upstream="u"} 1`)
	b.wantMetric(`sluice_target_state_changes_total{state="down",target="` + one.Addr() + `",upstream="u"} 1`)
	b.wantMetric(`sluice_upstream_failing_open{upstream="u"} 0`)
	other.SetHealthy(false)
	b.state(1, "down")
	if got := b.answers(4); got["one"] != 2 || got["other"] != 2 {
		t.Errorf("with both down, answered by %v", got)
	}
	if !b.proxy.Generation().UpstreamList()[0].FailingOpen {
		t.Error("not shown as failing open")
	}
	b.wantMetric(`sluice_upstream_failing_open{upstream="u"} 1`)
	one.SetHealthy(true)
	b.state(0, "up")
	if got := b.answers(4); got["one"] != 4 {
		t.Errorf("answered by %v", got)
	}
}

func (b *bed) wantMetric(line string) {
	b.t.Helper()
	var text bytes.Buffer
	if err := b.metrics.WriteText(&text); err != nil {
		b.t.Fatal(err)
	}
	if !strings.Contains(text.String(), line+"\n") {
		b.t.Errorf("no metric %s", line)
	}
}

// TestTrafficEjects: an origin that closes every connection is left alone once it
// has failed as often as allowed.
func TestTrafficEjects(t *testing.T) {
	var asked atomic.Int64
	broken := origin(t, func(_ net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err == nil {
			asked.Add(1)
		}
	})
	good := startDemo(t, "good")
	b := serve(t, two(broken, good.Addr(), `"retry": { "attempts": 1 }, "health": { "passive": { "failures": 3, "eject": "1h" } },`))
	t.Cleanup(b.proxy.Close)
	failed := 0
	for range 20 {
		if status, _ := b.get("/x"); status == 502 {
			failed++
		}
	}
	if failed != 3 || asked.Load() != 3 {
		t.Errorf("%d requests of 20 failed, and %d reached the broken origin; want 3", failed, asked.Load())
	}
	if s := b.state(0, "ejected"); s.Why != "3 failures in a row, the last: upstream_closed; out for 1h" {
		t.Errorf("why: %q", s.Why)
	}
}

// TestCandidatesDoNotCheck: a config that is looked at and discarded dials nobody,
// and an upstream that is gone is not asked any more.
func TestCandidatesDoNotCheck(t *testing.T) {
	var asked atomic.Int64
	counted := origin(t, func(c net.Conn, br *bufio.Reader) {
		asked.Add(1)
		if _, err := readHead(br); err == nil {
			_, _ = c.Write([]byte(hello))
		}
	})
	good := startDemo(t, "good")
	b := serve(t, to(good.Addr()))
	t.Cleanup(b.proxy.Close)
	text := replace(two(counted, good.Addr(), checked), "LISTEN", `"listeners": [{"address": "127.0.0.1:0"}]`)
	cfg, err := config.Parse([]byte(text), proxy.Catalog())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		candidate, err := b.proxy.Prepare(cfg)
		if err != nil {
			t.Fatal(err)
		}
		candidate.Discard()
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d checks for candidates", n)
	}
	b.reload(replace(text, `"listeners": [{"address": "127.0.0.1:0"}]`, "LISTEN"))
	good.SetHealthy(false)
	b.state(1, "down")
	b.reload(to(good.Addr()))
	if s := b.proxy.Generation().UpstreamList()[0].Targets[0]; s.State != "up" || !s.Usable {
		t.Errorf("without health the target is %+v", s)
	}
}

// TestSlowClientsEjectNobody: a target that waits for a body is not blamed for the
// timeout, as it is where the whole request was sent.
func TestSlowClientsEjectNobody(t *testing.T) {
	hung := origin(t, func(_ net.Conn, br *bufio.Reader) {
		for {
			if _, err := br.ReadByte(); err != nil {
				return
			}
		}
	})
	b := serve(t, two(hung, "unix:/nowhere", `"timeouts": { "response_header": "50ms" }, "retry": { "attempts": 1 },
		"health": { "passive": { "failures": 1 } },`))
	t.Cleanup(b.proxy.Close)
	b.proxy.Generation().Pools()["u"].Targets[1].Node.SetUsable(false)
	c := b.dial()
	if _, err := c.Write([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 504 ") {
		t.Fatalf("answered %q, %v; want a 504", line, err)
	}
	// The next request begins once the one before has ended.
	_ = c.Close()
	limit := time.After(10 * time.Second)
	for b.proxy.InFlight() > 0 {
		select {
		case <-limit:
			t.Fatal("the request does not end")
		case <-time.After(time.Millisecond):
		}
	}
	b.state(0, "up")
	if status, _ := b.get("/"); status != 504 {
		t.Errorf("answered %d, want 504", status)
	}
	b.state(0, "ejected")
}
