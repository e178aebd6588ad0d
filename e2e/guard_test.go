package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// What the guard says.
const (
	takenBack = "config taken back: requests failed after the reload"
	stays     = "config stays: requests do not fail more than before"
)

// guarded is a config with a guard, its upstreams two targets of the test's.
type guarded struct {
	*process
	t           *testing.T
	admin       string
	good, other string // targets
	c           *http.Client
}

func (g *guarded) text(target, window string) string {
	return listening(g.addr, fmt.Sprintf(`"admin": {"address": %q}, "guard": {"window": %q, "min_requests": 20},
"upstreams": {"up": {"targets": [{"address": %q}]}, "steady": {"targets": [{"address": %q}]}},
"routes": [{"name": "up", "path": "/*", "upstream": "up"}, {"name": "steady", "path": "/steady", "upstream": "steady"}]`,
		g.admin, window, target, g.good))
}

// guard serves a config whose targets answer "good", and has good requests
// counted for it.
func guard(t *testing.T, window string) *guarded {
	g := &guarded{t: t, admin: reserve(t), good: named(t, "good"), other: named(t, "other"), c: client(t)}
	addr := reserve(t)
	g.process = &process{addr: addr}
	g.process = serveFile(t, sluice, write(t, g.text(g.good, window)))
	g.addr = addr
	for range 30 {
		g.get("/").wants(t, 200, "good")
	}
	return g
}

func (g *guarded) get(path string) answer { return get(g.t, g.c, "http://"+g.addr+path) }

func (g *guarded) reload(query string) answer {
	g.t.Helper()
	req, err := http.NewRequest("POST", "http://"+g.admin+"/reload"+query, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	return do(g.t, g.c, req)
}

// TestGuardTakesBack sends a route to a closed port by an edit: the config from
// before comes back by itself, nobody who does not insist brings the edit back, and
// the next edit is taken in.
func TestGuardTakesBack(t *testing.T) {
	t.Parallel()
	g := guard(t, "1h") // only failing ends a trial
	closed := g.text(reserve(t), "1h")
	long := dial(t, g.addr) // its request begins by the good config and is held
	mark := g.log.mark()
	g.edit(closed, inForce)
	get(t, g.c, "http://"+g.admin+"/reload").wants(t, 200, `"state": "trial"`)
	line := g.failUntilBack(mark)
	for _, part := range []string{`"level":"error"`, `"route":"up"`, `"failed_share":1`, `"failed_share_before":0`, `"in_force":"`,
		`"changed":"upstreams: ~up (+1 -1 targets)"`, `"generation":3`} {
		if !strings.Contains(line, part) {
			t.Errorf("the line lacks %s: %s", part, line)
		}
	}
	g.get("/").wants(t, 200, "good")
	long.send("GET /steady HTTP/1.1\r\nHost: e\r\n\r\n")
	long.response("GET").wants(t, 200, "good")
	status := get(t, g.c, "http://"+g.admin+"/reload")
	for _, part := range []string{`"state": "reverted"`, `"reverted": 1`, `"result": "reverted"`, `"share": 1`, `"changes": {`, `"added": [`} {
		status.wants(t, 200, part)
	}
	get(t, g.c, "http://"+g.admin+"/metrics").wants(t, 200, `sluice_reloads_total{result="reverted"} 1`)
	get(t, g.c, "http://"+g.admin+"/metrics").wants(t, 200, "\nsluice_reload_last_ok 0\n")
	if kept, err := os.ReadFile(g.file + ".good"); err != nil || string(kept) != g.text(g.good, "1h") {
		t.Errorf("kept %q, %v", kept, err)
	}
	if left, err := os.ReadFile(g.file); err != nil || string(left) != closed {
		t.Errorf("the file has %q, %v", left, err)
	}

	g.reload("").wants(t, 422, "was taken back")
	g.reload("?dry=1").wants(t, 422, "would_refuse")
	g.reload("?dry=1&force=1").wants(t, 200, "would_apply")
	mark = g.log.mark()
	g.signal(syscall.SIGHUP)
	g.log.after(t, mark, refused, "was taken back", `"cause":"signal"`)
	g.get("/").wants(t, 200, "good")

	g.edit(g.text(g.other, "1h"), inForce)
	g.get("/").wants(t, 200, "other")
	// That is on trial in its turn, compared with what was before all of it.
	mark = g.log.mark()
	g.edit(closed, inForce)
	g.failUntilBack(mark)
	g.get("/").wants(t, 200, "good")
	g.reload("?force=1").wants(t, 200, "applied")
	get(t, g.c, "http://"+g.admin+"/reload").wants(t, 200, `"state": "good"`)
	for range 100 {
		g.get("/").wants(t, 502, "")
	}
}

// failUntilBack sends requests until the config was taken back, as the log says
// behind the mark, and returns the line. Those of the other route must not notice.
func (g *guarded) failUntilBack(mark int) string {
	g.t.Helper()
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, path := range []string{"/", "/steady"} {
				req, _ := http.NewRequest("GET", "http://"+g.addr+path, nil)
				a, err := try(g.c, req)
				if err != nil || path == "/steady" && a.StatusCode != 200 {
					g.t.Errorf("%s: %v, %v", path, a.Response, err)
					return
				}
			}
		}
	})
	defer sending.Wait()
	defer close(stop)
	line, _ := g.log.after(g.t, mark, takenBack)
	return line
}

// TestGuardLeavesAlone makes edits after which requests fail no more than before.
func TestGuardLeavesAlone(t *testing.T) {
	t.Parallel()
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		g := guard(t, "1s")
		mark := g.log.mark()
		g.edit(g.text(g.other, "1s"), inForce)
		for range 50 {
			g.get("/").wants(t, 200, "other")
		}
		g.log.after(t, mark, stays)
		get(t, g.c, "http://"+g.admin+"/reload").wants(t, 200, `"state": "good"`)
	})
	t.Run("too few requests", func(t *testing.T) {
		t.Parallel()
		g := guard(t, "1s")
		mark := g.log.mark()
		g.edit(g.text(reserve(t), "1s"), inForce)
		for range 19 {
			g.get("/").wants(t, 502, "")
		}
		g.log.after(t, mark, stays)
		g.get("/").wants(t, 502, "")
	})
	t.Run("failing before", func(t *testing.T) {
		t.Parallel()
		g := guard(t, "1h")
		// By force, so that it counts as good at once.
		mark := g.log.mark()
		g.edit(g.text(reserve(t), "1h"), inForce)
		g.failUntilBack(mark)
		g.reload("?force=1").wants(t, 200, "applied")
		for range 50 {
			g.get("/").wants(t, 502, "")
		}
		g.edit(g.text(reserve(t), "2s"), inForce)
		mark = g.log.mark()
		for range 50 {
			g.get("/").wants(t, 502, "")
		}
		g.log.after(t, mark, stays)
		if text := g.log.String(); strings.Count(text, takenBack) != 1 {
			t.Errorf("taken back: %s", text)
		}
	})
}
