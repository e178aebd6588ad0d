package upstream_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/demo"
	"github.com/sluiceproxy/sluice/upstream"
)

// active asks often, so that tests need not wait long.
func active(edit func(*config.ActiveHealth)) func(*config.Upstream) {
	return func(d *config.Upstream) {
		d.Host = "client"
		d.Health = &config.Health{Active: &config.ActiveHealth{
			Type: "http", Path: "/healthz", Interval: config.Duration(10 * time.Millisecond),
			Timeout: config.Duration(10 * time.Second), Rise: 2, Fall: 3, Statuses: "200-399",
		}}
		if edit != nil {
			edit(d.Health.Active)
		}
	}
}

func demoOrigin(t *testing.T) *demo.Origin {
	t.Helper()
	o, err := demo.Start(demo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// becomes waits until a target is in a state.
func (w *ward) becomes(target int, state upstream.State) {
	w.t.Helper()
	within(w.t, "target becomes "+state.String(), func() bool { return w.Targets[target].Health().State == state })
}

func TestActiveChecks(t *testing.T) {
	a, b := demoOrigin(t), demoOrigin(t)
	w := newWard(t, definition(active(nil), a.Addr(), b.Addr()))
	w.are("up", "up")
	a.SetHealthy(false)
	w.becomes(0, upstream.Down)
	w.picked(1)
	if why := w.Targets[0].Health().Why; !strings.HasSuffix(why, "status 503") {
		t.Errorf("why: %q", why)
	}
	a.SetHealthy(true)
	w.becomes(0, upstream.Up)
	w.picked(0, 1)
	if why := w.Targets[0].Health().Why; why != "2 good checks in a row" {
		t.Errorf("why: %q", why)
	}
	if all, _ := w.Targets[0].Connections(); all != 0 {
		t.Errorf("%d connections of the pool were used for checks", all)
	}
	// Both down: requests go to both.
	a.SetHealthy(false)
	w.becomes(0, upstream.Down)
	_ = b.Close()
	w.becomes(1, upstream.Down)
	w.picked(0, 1)
	if !w.FailingOpen() {
		t.Error("not failing open")
	}
	a.SetHealthy(true)
	w.becomes(0, upstream.Up)
	w.picked(0)
}

// counting answers checks as told and counts them.
type counting struct {
	checks atomic.Int64
	answer atomic.Pointer[string]
}

func (o *counting) handle(c net.Conn, br *bufio.Reader) {
	if !request(br) {
		return
	}
	o.checks.Add(1)
	_, _ = io.WriteString(c, *o.answer.Load())
}

func (o *counting) say(answer string) { o.answer.Store(&answer) }

const (
	ok  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	bad = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
)

// TestFirstCheck: one that fails is enough, though fall says otherwise; a later
// one is not.
func TestFirstCheck(t *testing.T) {
	edit := active(func(a *config.ActiveHealth) { a.Fall = 1000 })
	o := &counting{}
	o.say(bad)
	addr := tcpOrigin(t, o.handle)
	w := newWard(t, definition(edit, addr))
	w.becomes(0, upstream.Down)
	if why := w.Targets[0].Health().Why; why != "its first check failed: status 500" {
		t.Errorf("why: %q", why)
	}
	o.say(ok)
	w.becomes(0, upstream.Up)
	o.say(bad)
	seen := o.checks.Load()
	within(t, "five more checks", func() bool { return o.checks.Load() > seen+5 })
	w.are("up")
	w.told("target down "+addr, "no target is usable; requests go to all of them",
		"target up "+addr, "a target is usable again; requests go to none that is not")
}

// TestChecksGoOnOverReloads: an unchanged definition goes on, a changed one keeps
// the state, and with another check the target is judged by that.
func TestChecksGoOnOverReloads(t *testing.T) {
	o := &counting{}
	o.say(bad)
	addr := tcpOrigin(t, o.handle)
	w := newWard(t, definition(active(nil), addr))
	w.becomes(0, upstream.Down)
	since := w.Targets[0].Health().Since
	w.reload(definition(active(nil), addr))
	w.reload(definition(func(d *config.Upstream) { active(nil)(d); d.Connections.Max = 2 }, addr))
	w.reload(definition(active(func(a *config.ActiveHealth) { a.Fall = 7 }), addr))
	if h := w.Targets[0].Health(); h.State != upstream.Down || h.Since != since {
		t.Errorf("after reloads the target is %v", h)
	}
	seen := o.checks.Load()
	within(t, "more checks", func() bool { return o.checks.Load() > seen+2 })
	w.are("down")
	w.reload(definition(active(func(a *config.ActiveHealth) { a.Statuses = "500" }), addr))
	w.becomes(0, upstream.Up)
	w.reload(definition(nil, addr))
	seen = o.checks.Load() + 1 // one may be under way
	w.reload(definition(active(func(a *config.ActiveHealth) { a.Path, a.Interval = "/", config.Duration(time.Hour) }), addr))
	w.Stop()
	if now := o.checks.Load(); now > seen {
		t.Errorf("%d checks after they were turned off", now-seen)
	}
}

func TestWhatIsAGoodCheck(t *testing.T) {
	body := func(expr string) func(*config.ActiveHealth) { return func(a *config.ActiveHealth) { a.Body = expr } }
	short := func(a *config.ActiveHealth) { a.Timeout = config.Duration(20 * time.Millisecond) }
	cases := []struct {
		name, answer string
		edit         func(*config.ActiveHealth)
		why          string // "" for a good one
	}{
		{"status", ok, nil, ""},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", nil, ""},
		{"after interim responses", "HTTP/1.1 103 Early Hints\r\n\r\n" + ok, nil, ""},
		{"other statuses", bad, func(a *config.ActiveHealth) { a.Statuses = "204,500-501" }, ""},
		{"not those statuses", ok, func(a *config.ActiveHealth) { a.Statuses = "204,500-501" }, "status 200"},
		{"only interim responses", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20), nil, "status 103"},
		{"body", ok, body("^ok$"), ""},
		{"chunked body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", body("^ok$"), ""},
		{"another body", ok, body("^up$"), "the body does not match"},
		{"a match too late", "HTTP/1.1 200 OK\r\nContent-Length: 70002\r\n\r\n" + strings.Repeat("-", 70000) + "ok", body("ok"), "the body does not match"},
		{"a truncated body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno", body("ok"), "unexpected EOF"},
		{"garbage", "hello\r\n\r\n", nil, "malformed status line"},
		{"nothing", "", nil, "EOF"},
		{"silence", "wait", short, "not done within 20ms"},
		{"silence in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwait", func(a *config.ActiveHealth) { short(a); a.Body = "ok" }, "not done within 20ms"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var checks atomic.Int64
			addr := tcpOrigin(t, func(conn net.Conn, br *bufio.Reader) {
				if request(br) {
					checks.Add(1)
					_, _ = io.WriteString(conn, strings.TrimSuffix(c.answer, "wait"))
				}
				if strings.HasSuffix(c.answer, "wait") {
					_, _ = br.ReadByte()
				}
			})
			w := newWard(t, definition(active(c.edit), addr))
			if c.why == "" {
				// The first check has been judged when the second one comes.
				within(t, "a second check", func() bool { return checks.Load() > 1 })
				w.are("up")
				return
			}
			w.becomes(0, upstream.Down)
			if why := w.Targets[0].Health().Why; !strings.Contains(why, c.why) {
				t.Errorf("why: %q, want %q", why, c.why)
			}
		})
	}
}

// TestCheckRequest looks at the bytes of a check.
func TestCheckRequest(t *testing.T) {
	heads := make(chan string, 1)
	addr := tcpOrigin(t, func(c net.Conn, br *bufio.Reader) {
		var head strings.Builder
		for {
			line, err := br.ReadString('\n')
			if head.WriteString(line); err != nil || line == "\r\n" {
				break
			}
		}
		select {
		case heads <- head.String():
		default:
		}
		_, _ = io.WriteString(c, ok)
	})
	cases := []struct {
		host string
		edit func(*config.ActiveHealth)
		want string
	}{
		{"client", nil, "GET /healthz HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: Sluice-Health\r\nConnection: close\r\n\r\n"},
		{"target", nil, "GET /healthz HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: Sluice-Health\r\nConnection: close\r\n\r\n"},
		{"app.example.com", nil, "GET /healthz HTTP/1.1\r\nHost: app.example.com\r\nUser-Agent: Sluice-Health\r\nConnection: close\r\n\r\n"},
		{"app.example.com", func(a *config.ActiveHealth) {
			a.Host, a.Path = "check.example.com", "/h?x=1"
			a.Headers = map[string]string{"user-agent": "u", "Authorization": "Basic x"}
		}, "GET /h?x=1 HTTP/1.1\r\nHost: check.example.com\r\nAuthorization: Basic x\r\nuser-agent: u\r\nConnection: close\r\n\r\n"},
	}
	for _, c := range cases {
		w := newWard(t, definition(func(d *config.Upstream) { active(c.edit)(d); d.Host = c.host }, addr))
		if got := <-heads; got != c.want {
			t.Errorf("checked with %q, want %q", got, c.want)
		}
		w.Stop()
		for len(heads) > 0 {
			<-heads
		}
	}
}

func TestTCPChecks(t *testing.T) {
	silent := tcpOrigin(t, func(_ net.Conn, br *bufio.Reader) { _, _ = br.ReadByte() })
	closed := demoOrigin(t)
	socket := origin(t, "unix", t.TempDir()+"/s", answering(hello))
	w := newWard(t, definition(active(func(a *config.ActiveHealth) { a.Type, a.Path = config.CheckTCP, "" }),
		silent, closed.Addr(), "unix:"+socket.String()))
	_ = closed.Close()
	w.becomes(1, upstream.Down)
	w.are("up", "down", "up")
}
