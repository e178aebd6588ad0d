package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// installed is the program at a path of its own, where it can be replaced.
type installed struct {
	t    *testing.T
	path string
}

func install(t *testing.T) *installed {
	i := &installed{t, filepath.Join(t.TempDir(), "sluice")}
	i.release()
	return i
}

// release puts a new copy of the program in place, as an installer would.
func (i *installed) release() {
	i.t.Helper()
	program, err := os.ReadFile(sluice)
	if err != nil {
		i.t.Fatal(err)
	}
	i.put(string(program))
}

// put puts something else in the program's place.
func (i *installed) put(program string) {
	i.t.Helper()
	next := i.path + ".next"
	if err := os.WriteFile(next, []byte(program), 0o755); err != nil {
		i.t.Fatal(err)
	}
	if err := os.Rename(next, i.path); err != nil {
		i.t.Fatal(err)
	}
}

const (
	upgraded      = "upgraded: the new process serves"
	upgradeFailed = "upgrade failed; this process goes on"
)

// upgrade signals the process and waits until another has taken its place.
func (p *process) upgrade() {
	p.t.Helper()
	mark := p.log.mark()
	p.signal(syscall.SIGUSR2)
	p.upgradedAfter(mark)
}

// upgradedAfter waits until the log tells of an upgrade behind mark.
func (p *process) upgradedAfter(mark int) {
	p.t.Helper()
	line, _ := p.log.after(p.t, mark, upgraded)
	var told struct {
		PID int `json:"new_pid"`
	}
	if err := json.Unmarshal([]byte(line), &told); err != nil {
		p.t.Fatal(err)
	}
	next, err := os.FindProcess(told.PID)
	if err != nil {
		p.t.Fatal(err)
	}
	p.next = next
}

// runs fails the test unless the process that serves is the program at path.
func (p *process) runs(path string) {
	p.t.Helper()
	have, err := os.Stat(fmt.Sprintf("/proc/%d/exe", p.next.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	if want, err := os.Stat(path); err != nil || !os.SameFile(have, want) {
		p.t.Errorf("the new process does not run the program that was put in place: %v", err)
	}
}

// withAdmin are the sections of a config with an admin interface and one origin.
func withAdmin(admin, target string, settings ...string) string {
	return fmt.Sprintf(`"admin": {"address": %q}, %s`, admin, proxyTo(target, settings...))
}

// TestUpgradesUnderLoad replaces the process again and again while clients send
// GETs and POSTs on kept and new connections as fast as they can, and probes ask
// whether it is ready: nobody notices.
func TestUpgradesUnderLoad(t *testing.T) {
	t.Parallel()
	program, admin := install(t), reserve(t)
	p := serveBy(t, program.path, withAdmin(admin, named(t, "A")))
	traffic := startLoad(t, p.addr)
	probes, stop := context.WithCancel(context.Background())
	ready := make(chan string, 1)
	go func() {
		c := client(t)
		c.Transport.(*http.Transport).DisableKeepAlives = true
		for probes.Err() == nil {
			req, _ := http.NewRequest("GET", "http://"+admin+"/readyz", nil)
			if a, err := try(c, req); err != nil || a.StatusCode != 200 {
				ready <- fmt.Sprintf("%v %v %s", err, a.Response, a.body)
				return
			}
		}
		ready <- ""
	}()
	for n := range 5 {
		traffic.awaitMore(t, 1000)
		program.release()
		if n%2 == 0 {
			p.upgrade()
		} else {
			mark := p.log.mark()
			code, out, errs := command(t, "upgrade", "-config", p.file)
			if code != 0 || !strings.Contains(out, "upgraded: process ") {
				t.Fatalf("sluice upgrade: exit code %d, %s%s", code, out, errs)
			}
			p.upgradedAfter(mark)
		}
		p.runs(program.path)
		traffic.awaitMore(t, 1000)
	}
	traffic.end(t)
	stop()
	if problem := from(t, ready); problem != "" {
		t.Errorf("not ready: %s", problem)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(p.log.String(), `"stopped"`); n != 6 {
		t.Errorf("%d of 6 processes have told their end", n)
	}
}

// TestUpgradeLetsExchangesEnd has a request and a WebSocket go on in the old
// process, and another WebSocket stay beyond drain_timeout.
func TestUpgradeLetsExchangesEnd(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 10)
	hold, arrived, release := holdingOrigin(t)
	p := serve(t, fmt.Sprintf(`"limits": {"drain_timeout": "3s"},
"upstreams": {"ws": {"targets": [{"address": %q}]}, "hold": {"targets": [{"address": %q}]}},
"routes": [{"name": "ws", "path": "/", "upstream": "ws"}, {"name": "hold", "path": "/hold", "upstream": "hold"}]`,
		origin(t, webSocketOrigin(ended)), hold))
	ws, ctx := dialWebSocket(t, p.addr)
	stays, _ := dialWebSocket(t, p.addr)
	busy := dial(t, p.addr)
	busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
	from(t, arrived)
	old := p.cmd.Process
	p.upgrade()
	// What a supervisor sends to all of a group is not the second signal.
	if err := old.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.log.after(t, 0, "draining already")
	for _, c := range []*websocket.Conn{ws, stays} {
		if err := c.Write(ctx, websocket.MessageText, []byte("still here")); err != nil {
			t.Fatal(err)
		}
		wantMessage(t, ctx, c, websocket.MessageText, []byte("still here"))
	}
	to(t, release, true)
	busy.response("GET").wants(t, 200, "begun,done")
	if err := ws.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("closing: %v", err)
	}
	fresh, _ := dialWebSocket(t, p.addr)
	if _, _, err := stays.Read(ctx); err == nil {
		t.Error("a WebSocket has outlived drain_timeout in the old process")
	}
	p.log.after(t, 0, fmt.Sprintf(`"pid":%d`, old.Pid), "stopped")
	if err := fresh.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// TestUpgradeFails puts what will not serve in the program's place: nothing
// happens to who is served, the log and the exit code tell, and the next upgrade
// works.
func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	program, admin, path := install(t), reserve(t), socketPath(t)
	addr := reserve(t)
	file := write(t, fmt.Sprintf(`{"listeners": [{"address": %q}, {"address": "unix:%s"}],
"limits": {"upgrade_timeout": "5s"}, %s}`, addr, path, withAdmin(admin, named(t, "A"))))
	p := start(t, program.path, "run", "-config", file, "-strict", "-pid-file", file+".pid")
	p.file = file
	p.log.after(t, 0, inForce)
	awaitFile(t, file+".pid")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	traffic := startLoad(t, addr)
	for _, c := range []struct {
		name  string
		spoil func()
		why   string
	}{
		{"it ends", func() { program.put("#!/bin/sh\necho 'out of order' >&2\nexit 3\n") }, "the new process ended: exit status 3"},
		{"it is no program", func() { program.put("nothing") }, "cannot start a new process"},
		{"it is gone", func() { _ = os.Remove(program.path) }, "cannot start a new process"},
		{"it hangs", func() { program.put("#!/bin/sh\nexec sleep 1000\n") }, "the new process was not ready within 5s"},
		{"the config is broken", func() {
			program.release()
			replaceFile(t, file, "{")
			p.log.after(t, 0, refused)
		}, "the new process ended: exit status 1"},
	} {
		c.spoil()
		mark := p.log.mark()
		code, out, errs := command(t, "upgrade", "-pid-file", file+".pid")
		if code != 1 || !strings.Contains(errs, "goes on; its log tells why") {
			t.Errorf("%s: exit code %d, %s%s", c.name, code, out, errs)
		}
		line, _ := p.log.after(t, mark, upgradeFailed)
		if !strings.Contains(line, c.why) {
			t.Errorf("%s: told %s, want %q", c.name, line, c.why)
		}
		get(t, unixClient(t, path), "http://a/").wants(t, 200, "A")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if !strings.Contains(p.log.String(), "\nout of order\n") {
		t.Error("what the new process has to say is lost")
	}
	if code, _, errs := command(t, "upgrade", "-config", write(t, string(good))); code != 1 || !strings.Contains(errs, "the new process ended: exit status 1") {
		t.Errorf("by the admin interface: exit code %d, %s", code, errs)
	}
	p.edit(string(good), "config unchanged")
	program.release()
	mark := p.log.mark()
	if code, out, errs := command(t, "upgrade", "-pid-file", file+".pid"); code != 0 || !strings.Contains(out, "upgraded") {
		t.Errorf("the upgrade after them: exit code %d, %s%s", code, out, errs)
	}
	p.upgradedAfter(mark)
	traffic.end(t)
	get(t, unixClient(t, path), "http://a/").wants(t, 200, "A")
	p.signal(syscall.SIGTERM)
	p.exit()
	for _, left := range []string{path, file + ".pid"} {
		if _, err := os.Stat(left); err == nil {
			t.Errorf("%s is left behind", left)
		}
	}
}

// TestUpgradeOnUnixSockets: clients that come by path find the one who serves.
func TestUpgradeOnUnixSockets(t *testing.T) {
	t.Parallel()
	program, front, admin := install(t), socketPath(t), socketPath(t)
	p := serveFile(t, program.path, write(t, listening("unix:"+front, withAdmin("unix:"+admin, named(t, "A")))))
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 4)
	for i := range cap(failed) {
		c := unixClient(t, front)
		c.Transport.(*http.Transport).DisableKeepAlives = i%2 == 0
		go func() {
			for ctx.Err() == nil {
				req, _ := http.NewRequest("POST", "http://a/", strings.NewReader("x"))
				if a, err := try(c, req); err != nil || a.body != "A" {
					failed <- fmt.Errorf("%w %q", err, a.body)
					return
				}
			}
			failed <- nil
		}()
	}
	for range 3 {
		mark := p.log.mark()
		if code, out, errs := command(t, "upgrade", "-config", p.file); code != 0 {
			t.Fatalf("exit code %d, %s%s", code, out, errs)
		}
		p.upgradedAfter(mark)
		get(t, unixClient(t, admin), "http://localhost/readyz").wants(t, 200, "ready")
		get(t, unixClient(t, front), "http://a/").wants(t, 200, "A")
	}
	cancel()
	for range cap(failed) {
		if err := from(t, failed); err != nil {
			t.Error(err)
		}
	}
	p.signal(os.Interrupt)
	p.exit()
	for _, path := range []string{front, admin} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left behind", path)
		}
	}
}

// TestStopDuringUpgrade ends Sluice while a new process has begun, which is ended
// too.
func TestStopDuringUpgrade(t *testing.T) {
	t.Parallel()
	program, admin := install(t), reserve(t)
	p := serveBy(t, program.path, withAdmin(admin, named(t, "A")))
	program.put("#!/bin/sh\necho begun >&2\nexec sleep 1000\n")
	p.signal(syscall.SIGUSR2)
	p.log.after(t, 0, "begun")
	p.signal(syscall.SIGUSR2)
	p.log.after(t, 0, "upgrade refused", "an upgrade is under way")
	if code, _, errs := command(t, "upgrade", "-config", p.file); code != 1 || !strings.Contains(errs, "an upgrade is under way") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	get(t, client(t), "http://"+p.addr+"/").wants(t, 200, "A")
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(p.log.String(), "upgrade given up") {
		t.Errorf("log: %s", p.log)
	}
}

// TestStopRightAfterUpgrade has both signals come at once, under load: whichever
// process has a connection then answers it, and all of them end.
func TestStopRightAfterUpgrade(t *testing.T) {
	t.Parallel()
	program := install(t)
	for n := range 6 {
		p := serveBy(t, program.path, proxyTo(named(t, "A")))
		traffic := startLoad(t, p.addr)
		traffic.awaitMore(t, 100)
		p.signal(syscall.SIGUSR2)
		time.Sleep(time.Duration(n) * 4 * time.Millisecond) // another moment each time
		p.signal(syscall.SIGTERM)
		line := ""
		for mark := 0; !strings.Contains(line, upgraded) && !strings.Contains(line, "stopped"); {
			line, mark = p.log.after(t, mark, `"message"`)
		}
		if strings.Contains(line, upgraded) {
			// The new one had taken over, and was sent no signal.
			p.upgradedAfter(0)
			p.signal(syscall.SIGTERM)
		}
		p.exit()
		traffic.stop()
		traffic.running.Wait()
		if n := traffic.failed.Load() - traffic.refused.Load(); n > 0 {
			t.Errorf("%d of %d requests failed; the first: %s", n, traffic.done.Load(), traffic.problem())
		}
	}
}

// TestUpgradeKeepsHealth has targets that are down and ejected: the new process
// sends nothing to them, and tells since when and why.
func TestUpgradeKeepsHealth(t *testing.T) {
	t.Parallel()
	admin, bad := reserve(t), reserve(t) // nobody listens on bad
	sick := origin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			w.WriteHeader(500)
			return
		}
		_, _ = io.WriteString(w, "sick")
	})
	good := named(t, "good")
	p := serve(t, fmt.Sprintf(`"admin": {"address": %q},
"upstreams": {
  "ejects": {"balance": "ewma", "targets": [{"address": %q}, {"address": %q}], "health": {"passive": {"failures": 1, "eject": "10m"}}},
  "checks": {"targets": [{"address": %q}, {"address": %[3]q}], "health": {"active": {"path": "/healthz", "interval": "1s", "statuses": "200-299"}}}},
"routes": [{"name": "e", "path": "/e", "upstream": "ejects"}, {"name": "c", "path": "/c", "upstream": "checks"}]`,
		admin, bad, good, sick))
	c := client(t)
	states := func() map[string]health {
		var list []struct {
			Name    string
			Targets []health
		}
		answer := get(t, client(t), "http://"+admin+"/upstreams")
		if err := json.Unmarshal([]byte(answer.body), &list); err != nil {
			var wrapped struct{ Upstreams json.RawMessage }
			if json.Unmarshal([]byte(answer.body), &wrapped) != nil || json.Unmarshal(wrapped.Upstreams, &list) != nil {
				t.Fatalf("%v in %s", err, answer.body)
			}
		}
		all := map[string]health{}
		for _, u := range list {
			for _, h := range u.Targets {
				all[u.Name+" "+h.Address] = h
			}
		}
		return all
	}
	p.log.after(t, 0, "target down", sick)
	for begun := time.Now(); states()["ejects "+bad].State != "ejected"; {
		get(t, c, "http://"+p.addr+"/e").wants(t, 200, "good")
		if time.Since(begun) > patience {
			t.Fatal("no ejection")
		}
	}
	before := states()
	p.upgrade()
	for range 100 {
		get(t, c, "http://"+p.addr+"/c").wants(t, 200, "good")
		get(t, c, "http://"+p.addr+"/e").wants(t, 200, "good")
	}
	after := states()
	for name, want := range map[string]string{"ejects " + bad: "ejected", "checks " + sick: "down"} {
		a, b := before[name], after[name]
		if b.State != want || !b.Since.Equal(a.Since) || b.Why != a.Why || b.Usable {
			t.Errorf("%s was %+v, is %+v", name, a, b)
		}
	}
	if before["ejects "+good].Latency == 0 || after["ejects "+good].Latency == 0 {
		t.Errorf("latency was %v, is %v", before["ejects "+good].Latency, after["ejects "+good].Latency)
	}
	metrics := get(t, c, "http://"+admin+"/metrics").body
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "sluice_target_requests_total") && (strings.Contains(line, bad) || strings.Contains(line, sick)) && !strings.HasSuffix(line, " 0\n") {
			t.Errorf("the new process has sent a request there: %s", line)
		}
	}
}

// health is what /upstreams tells of a target.
type health struct {
	Address, State, Why string
	Since               time.Time
	Usable              bool
	Latency             float64 `json:"latency_ms"`
}

// TestUpgradeIsRefused where it would end what is wanted to go on.
func TestUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	addr := reserve(t)
	demo := start(t, sluice, "demo", "-config", write(t, listeners(addr)))
	demo.log.after(t, 0, inForce)
	demo.signal(syscall.SIGUSR2)
	demo.log.after(t, 0, "upgrade refused", "only what sluice run has started can be replaced")
	get(t, client(t), "http://"+addr+"/").wants(t, 200, "A")

	hold, arrived, release := holdingOrigin(t)
	p := serve(t, proxyTo(hold))
	c := dial(t, p.addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	from(t, arrived)
	p.signal(syscall.SIGTERM)
	p.log.after(t, 0, "draining")
	p.signal(syscall.SIGUSR2)
	p.log.after(t, 0, "upgrade refused", "this process is ending")
	to(t, release, true)
	c.response("GET").wants(t, 200, "begun,done")

	if code, _, errs := command(t, "upgrade", "-config", write(t, listeners(addr))); code != 1 || !strings.Contains(errs, "no admin.address") {
		t.Errorf("without an admin interface: exit code %d, %s", code, errs)
	}
	if code, _, errs := command(t, "upgrade", "-pid-file", filepath.Join(t.TempDir(), "none")); code != 1 || !strings.Contains(errs, "cannot read the pid file") {
		t.Errorf("without a pid file: exit code %d, %s", code, errs)
	}
}

// awaitFile waits until there is such a file.
func awaitFile(t *testing.T, path string) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Since(begun) > patience {
			t.Fatalf("there is no %s", path)
		}
	}
}
