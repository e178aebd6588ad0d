package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const fromGood = "the config cannot be used; serving the last good one"

// lastGoodBed is a config that is served, edited and broken.
type lastGoodBed struct{ addr, admin string }

func (b *lastGoodBed) text(body string) string {
	return listening(b.addr, fmt.Sprintf(`"admin": {"address": %q},
"routes": [{"name": "a", "path": "/", "respond": {"body": %q}}]`, b.admin, body))
}

// keep serves one config and then another, and returns the file of which a copy
// is kept then.
func (b *lastGoodBed) keep(t *testing.T) string {
	t.Helper()
	p := serveFile(t, sluice, write(t, b.text("one")))
	p.edit(b.text("two"), inForce)
	p.edit("{", refused)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	kept, err := os.ReadFile(p.file + ".good")
	if err != nil || string(kept) != b.text("two") {
		t.Fatalf("kept %q, %v", kept, err)
	}
	return p.file
}

// TestLastGoodConfig starts with files that cannot be used: what was in force
// last is served, and said loudly.
func TestLastGoodConfig(t *testing.T) {
	t.Parallel()
	b := &lastGoodBed{addr: reserve(t), admin: reserve(t)}
	file := b.keep(t)
	c := client(t)
	for name, spoil := range map[string]func() error{
		"broken":  func() error { return os.WriteFile(file, []byte(`{"listenres": 1, "x": 2}`), 0o644) },
		"empty":   func() error { return os.WriteFile(file, nil, 0o644) },
		"missing": func() error { return os.Remove(file) },
		"its own test fails": func() error {
			test := `, "tests": [{"request": {"url": "http://e/"}, "expect": {"status": 404}}]`
			return os.WriteFile(file, []byte(strings.TrimSuffix(b.text("three"), "}\n")+test+"}\n"), 0o644)
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		p := start(t, sluice, "run", "-config", file)
		line, _ := p.log.after(t, 0, fromGood)
		if !strings.Contains(line, `"level":"warn"`) || !strings.Contains(line, `"kept_at":"2`) {
			t.Errorf("%s: %s", name, line)
		}
		if name == "broken" && (!strings.Contains(line, "config.json:1:2: listenres: unknown key") || !strings.Contains(line, "; ")) {
			t.Errorf("the problems are not all told: %s", line)
		}
		get(t, c, "http://"+b.addr+"/").wants(t, 200, "two")
		get(t, c, "http://"+b.admin+"/readyz").wants(t, 200, "ready")
		get(t, c, "http://"+b.admin+"/metrics").wants(t, 200, "\nsluice_reload_last_ok 0\n")
		// A good edit ends it, even one to what is served already.
		p.file = file
		p.edit(b.text("two"), inForce)
		get(t, c, "http://"+b.admin+"/metrics").wants(t, 200, "\nsluice_reload_last_ok 1\n")
		p.edit(b.text("four"), inForce)
		get(t, c, "http://"+b.addr+"/").wants(t, 200, "four")
		p.edit(b.text("two"), inForce)
		p.signal(syscall.SIGTERM)
		p.exit()
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	p := start(t, sluice, "run", "-config", file, "-strict")
	if code := p.exit(); code != 1 || !strings.Contains(p.log.String(), "cannot read the config") {
		t.Errorf("-strict: exit code %d, %s", code, p.log)
	}
	if code, _, errs := command(t, "validate", "-config", file); code != 1 {
		t.Errorf("validate: exit code %d, %s", code, errs)
	}
}

// TestLastGoodConfigIsNoCure starts where an older config would not help, or
// where there is none.
func TestLastGoodConfigIsNoCure(t *testing.T) {
	t.Parallel()
	b := &lastGoodBed{addr: reserve(t), admin: reserve(t)}
	file := b.keep(t)
	// An address in use is no fault of the file.
	other := serve(t, `"routes": [{"name": "a", "path": "/", "respond": {}}]`)
	taken := (&lastGoodBed{addr: other.addr, admin: b.admin}).text("five")
	if err := os.WriteFile(file, []byte(taken), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, sluice, "run", "-config", file)
	if code := p.exit(); code != 1 || !strings.Contains(p.log.String(), "listeners[0].address: cannot listen on") {
		t.Errorf("address in use: exit code %d, %s", code, p.log)
	}
	// A copy that is broken too.
	for _, name := range []string{file, file + ".good"} {
		if err := os.WriteFile(name, []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p = start(t, sluice, "run", "-config", file)
	if code := p.exit(); code != 1 || !strings.Contains(p.log.String(), "the last good config cannot be used either") {
		t.Errorf("both broken: exit code %d, %s", code, p.log)
	}
}

// TestLastGoodConfigCannotBeKept has a folder stand where the copy should: it is
// told once and changes nothing else.
func TestLastGoodConfigCannotBeKept(t *testing.T) {
	t.Parallel()
	b := &lastGoodBed{addr: reserve(t), admin: reserve(t)}
	file := write(t, b.text("one"))
	if err := os.Mkdir(file+".good", 0o755); err != nil {
		t.Fatal(err)
	}
	p := serveFile(t, sluice, file)
	for n := range 3 {
		p.edit(b.text(fmt.Sprint("edit ", n)), inForce)
	}
	get(t, client(t), "http://"+b.addr+"/").wants(t, 200, "edit 2")
	p.signal(syscall.SIGTERM)
	p.exit()
	if n := strings.Count(p.log.String(), "cannot keep a copy of the config"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// TestDemoKeepsNoCopy: the demo serves the example of the repository.
func TestDemoKeepsNoCopy(t *testing.T) {
	t.Parallel()
	b := &lastGoodBed{addr: reserve(t), admin: reserve(t)}
	file := write(t, b.text("one"))
	p := start(t, sluice, "demo", "-config", file)
	p.log.after(t, 0, inForce)
	p.file = file
	p.edit(b.text("two"), inForce)
	p.signal(syscall.SIGTERM)
	p.exit()
	files, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(files) != 1 {
		t.Errorf("files %v, %v", files, err)
	}
}
