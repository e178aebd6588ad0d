package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// editStyles are the ways a config file gets new content.
var editStyles = []struct {
	name  string
	place func(t *testing.T, text string) string // makes the first file, returns its path
	edit  func(t *testing.T, file, text string, n int)
}{
	{"rename", write, func(t *testing.T, file, text string, _ int) { replaceFile(t, file, text) }},
	{"in place", write, func(t *testing.T, file, text string, _ int) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}},
	{"symlink swap", placeLinked, swapLink},
}

// placeLinked lays a config out as Kubernetes does a ConfigMap: config.json leads
// over ..data into a folder, and ..data is replaced.
func placeLinked(t *testing.T, text string) string {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	swapLink(t, file, text, 0)
	if err := os.Symlink("..data/config.json", file); err != nil {
		t.Fatal(err)
	}
	return file
}

func swapLink(t *testing.T, file, text string, n int) {
	t.Helper()
	dir := filepath.Dir(file)
	version := fmt.Sprintf("..version_%d", n)
	next := filepath.Join(dir, "..data_tmp")
	for _, err := range []error{
		os.Mkdir(filepath.Join(dir, version), 0o755),
		os.WriteFile(filepath.Join(dir, version, "config.json"), []byte(text), 0o644),
		os.Symlink(version, next),
		os.Rename(next, filepath.Join(dir, "..data")),
		os.RemoveAll(filepath.Join(dir, fmt.Sprintf("..version_%d", n-1))),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestReloadsUnderLoad edits the config over and over, some of the edits broken,
// while requests flow: not one of them may fail, every good edit must be in force
// and no broken one.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	reloads := 67 // 201 over the three ways
	if testing.Short() {
		reloads = 10
	}
	for _, style := range editStyles {
		t.Run(style.name, func(t *testing.T) {
			t.Parallel()
			long := &longAnswer{next: make(chan string)}
			b := &reloadBed{a: origin(t, answerAs("A", long)), b: origin(t, answerAs("B", long)), addr: reserve(t)}
			p := serveFile(t, sluice, style.place(t, b.text(0)))
			long.open(t, b.addr)
			traffic, c := startLoad(t, b.addr), client(t)
			good := 0
			for n := 1; n <= reloads; n++ {
				text, outcome := b.text(n), inForce
				if broken := brokenEdits[n/4%len(brokenEdits)]; n%4 == 0 {
					text, outcome = broken(text), refused
				} else {
					good = n
				}
				mark := p.log.mark()
				style.edit(t, p.file, text, n)
				p.log.after(t, mark, outcome)
				get(t, c, "http://"+b.addr+"/number").wants(t, 200, fmt.Sprintf("number %d;", good))
				long.wants(t, fmt.Sprintf("after %d", n))
			}
			long.wantsEnd(t)
			traffic.end(t)
		})
	}
}

func answerAs(name string, long *longAnswer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			long.serveLong(w, r)
			return
		}
		if _, err := digest(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(name))
	}
}

// reloadBed makes configs that differ in all that may change without anybody's
// noticing.
type reloadBed struct{ a, b, addr string }

func (b *reloadBed) text(n int) string {
	targets := []string{
		fmt.Sprintf(`{"address": %q, "weight": %d}`, b.a, 1+n%5),
		fmt.Sprintf(`{"address": %q}`, b.b),
	}
	if n%5 == 1 {
		targets = targets[:1]
	} else if n%5 == 2 {
		targets = targets[1:]
	}
	upstream := "up"
	if n%7 == 3 {
		upstream = "other"
	}
	policy := []string{"weighted", "round_robin", "random", "least_request", "ewma"}[n/2%5]
	return listening(b.addr, fmt.Sprintf(`// edit %[1]d
"limits": {"header_bytes": "%[2]dKiB"},
"upstreams": {%[3]q: {"balance": %[4]q, "targets": [%[5]s], "connections": {"max": %[6]d}}},
"routes": [
  {"name": "number", "path": "/number", "respond": {"body": "number %[1]d;"}},
  {"name": "rest", "path": "/*", "upstream": %[3]q},
]`, n, 16+16*(n%2), upstream, policy, strings.Join(targets, ", "), 1000+n/3))
}

// brokenEdits spoil a config in different ways.
var brokenEdits = []func(string) string{
	func(s string) string { return s[:len(s)/2] },
	func(s string) string { return strings.Replace(s, `"targets"`, `"tragets"`, 1) },
	func(s string) string { return strings.Replace(s, `"path": "/number"`, `"path": "number"`, 1) },
	func(s string) string { return strings.Replace(s, `"routes"`, `"limits": {}, "routes"`, 1) },
	func(s string) string {
		return strings.Replace(s, `"routes": [`, `"routes": [{"name": "x", "path": "/x", "upstream": "nobody"},`, 1)
	},
	func(string) string { return "not JSON" },
}

func TestFileVanishesAndComesBack(t *testing.T) {
	t.Parallel()
	p := serve(t, `"routes": [{"name": "a", "path": "/", "respond": {"body": "one"}}]`)
	c := client(t)
	mark := p.log.mark()
	if err := os.Remove(p.file); err != nil {
		t.Fatal(err)
	}
	p.log.after(t, mark, "cannot read the file; what is in force stays")
	get(t, c, "http://"+p.addr+"/").wants(t, 200, "one")
	p.edit(listening(p.addr, `"routes": [{"name": "a", "path": "/", "respond": {"body": "two"}}]`), inForce)
	get(t, c, "http://"+p.addr+"/").wants(t, 200, "two")
}

func TestHangUpReloads(t *testing.T) {
	t.Parallel()
	p := serve(t, `"routes": [{"name": "a", "path": "/", "respond": {"body": "one"}}]`)
	c := client(t)
	mark := p.log.mark()
	p.signal(syscall.SIGHUP)
	p.log.after(t, mark, "config unchanged")
	// The file's own event may come first; either way the edit is in force.
	p.edit(listening(p.addr, `"routes": [{"name": "a", "path": "/", "respond": {"body": "two"}}]`), inForce)
	p.signal(syscall.SIGHUP)
	get(t, c, "http://"+p.addr+"/").wants(t, 200, "two")
	mark = p.log.mark()
	if err := os.WriteFile(p.file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	line, _ := p.log.after(t, mark, refused)
	if !strings.Contains(line, "config.json:1:") {
		t.Errorf("the log does not tell where: %s", line)
	}
	get(t, c, "http://"+p.addr+"/").wants(t, 200, "two")
}

// TestAdminTellsOfReloads looks at the admin interface around edits.
func TestAdminTellsOfReloads(t *testing.T) {
	t.Parallel()
	admin := reserve(t)
	section := func(body string) string {
		return fmt.Sprintf(`"admin": {"address": %q}, "routes": [{"name": "a", "path": "/", "respond": {"body": %q}}]`, admin, body)
	}
	p := serve(t, section("one"))
	c := client(t)
	get(t, c, "http://"+admin+"/healthz").wants(t, 200, "")
	get(t, c, "http://"+admin+"/readyz").wants(t, 200, "")
	// What is told of the outcome comes a moment after the log's line.
	tells := func(path, text string) {
		t.Helper()
		for began := time.Now(); !strings.Contains(get(t, c, "http://"+admin+path).body, text); {
			if time.Since(began) > 30*time.Second {
				t.Fatalf("%s does not come to tell %q", path, text)
			}
			runtime.Gosched()
		}
	}
	p.edit(strings.Replace(listening(p.addr, section("two")), "respond", "rispond", 1), refused)
	tells("/reload", "rispond")
	tells("/metrics", "sluice_reload_last_ok 0")
	// Taking the mistake back is enough, also where that is what is in force.
	replaceFile(t, p.file, listening(p.addr, section("one")))
	tells("/metrics", "sluice_reload_last_ok 1")
	if err := os.WriteFile(p.file, []byte(listening(p.addr, section("three"))), 0o644); err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("POST", "http://"+admin+"/reload", nil)
	do(t, c, req).wants(t, 200, "")
	get(t, c, "http://"+p.addr+"/").wants(t, 200, "three")
	get(t, c, "http://"+admin+"/metrics").wants(t, 200, "sluice_")
}
