package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// disk is a small file system that only one process sees, from outside at path.
type disk struct {
	*process
	path string
}

// onDisk runs Sluice with a small disk mounted at dir, and errors going where
// redirect says. The shell's $0 is Sluice, $1 the config and $2 the dir.
func onDisk(t *testing.T, file, dir, redirect string) *disk {
	t.Helper()
	const mount = `mount -t tmpfs -o size=64k none "$2" && `
	if out, err := exec.Command("unshare", "-rm", "sh", "-c", mount+"true", "", "", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system of its own can be mounted here: %v %s", err, out)
	}
	p := start(t, "unshare", "-rm", "/bin/sh", "-c", mount+`exec "$0" run -config "$1" `+redirect, sluice, file, dir)
	p.file = file
	return &disk{p, fmt.Sprintf("/proc/%d/root%s", p.cmd.Process.Pid, dir)}
}

// fill leaves no room on the disk, and free makes it again.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.Create(filepath.Join(d.path, "filler"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
}

func (d *disk) free() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.path, "filler")); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(d.path, name)) // it may not be there yet
	return string(b)
}

// until asks again and again until the condition holds.
func until(t *testing.T, what string, ask func(), done func() bool) {
	t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
			ask()
		case <-late:
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// TestFullDiskForTheAccessLog: requests do not notice; lost lines are counted and
// told of once; the log goes on when there is room.
func TestFullDiskForTheAccessLog(t *testing.T) {
	t.Parallel()
	addr, admin, dir := reserve(t), reserve(t), t.TempDir()
	file := write(t, listening(addr, fmt.Sprintf(`"admin": {"address": %q}, "log": {"access": {"path": %q}},
"routes": [{"name": "a", "path": "/*", "respond": {"body": "one"}}]`, admin, dir+"/access.log")))
	d := onDisk(t, file, dir, "")
	d.log.after(t, 0, inForce)
	c := client(t)
	ask := func() { get(t, c, "http://"+addr+"/"+strings.Repeat("x", 500)).wants(t, 200, "one") }
	began := time.Now()
	ask()
	until(t, "a line is written", func() {}, func() bool { return strings.Count(d.read("access.log"), "\n") == 1 })
	d.fill()
	metric := func(name string) func() bool {
		return func() bool {
			for line := range strings.Lines(get(t, c, "http://"+admin+"/metrics").body) {
				if strings.HasPrefix(line, name) {
					return !strings.HasSuffix(line, " 0\n")
				}
			}
			return false
		}
	}
	until(t, "lines are lost", ask, metric(`sluice_access_log_dropped_total{cause="failed",`))
	line, _ := d.log.after(t, 0, "access log", "no space left on device")
	if !strings.Contains(line, `"level":"error"`) {
		t.Errorf("told as %s", line)
	}
	for range 50 {
		ask()
	}
	d.free()
	until(t, "lines are written again", ask, func() bool { return strings.Count(d.read("access.log"), "\n") > 20 })
	if n := strings.Count(d.log.String(), "no space left on device"); n != 1 && time.Since(began) < time.Minute {
		t.Errorf("told %d times", n)
	}
	if err := os.Truncate(filepath.Join(d.path, "access.log"), 0); err != nil { // or the disk may be full again
		t.Fatal(err)
	}
	ask()
	line, _ = d.log.after(t, 0, sinkWorks)
	if strings.Contains(line, `"lost":0`) || !strings.Contains(line, `"level":"info"`) {
		t.Errorf("that it works again is told as %s", line)
	}
}

// TestFullDiskForTheLog has the process's own log on a full disk: a reload and
// requests do not notice, and the log tells what it lacks when there is room.
func TestFullDiskForTheLog(t *testing.T) {
	t.Parallel()
	addr, admin, dir := reserve(t), reserve(t), t.TempDir()
	text := func(body string) string {
		return listening(addr, fmt.Sprintf(`"admin": {"address": %q},
"routes": [{"name": "a", "path": "/*", "respond": {"body": %q}}]`, admin, body))
	}
	file := write(t, text("one"))
	d := onDisk(t, file, dir, `2>"$2/log"`)
	until(t, "it serves", func() {}, func() bool { return strings.Contains(d.read("log"), "process budgets") })
	d.fill()
	c := client(t)
	n := 0
	edit := func() {
		n++
		replaceFile(t, file, text(fmt.Sprintf("number %d", n)))
		until(t, "the edit is in force", func() {}, func() bool {
			return get(t, c, "http://"+addr+"/").body == fmt.Sprintf("number %d", n)
		})
	}
	until(t, "lines are lost", edit, func() bool {
		return !strings.Contains(get(t, c, "http://"+admin+"/metrics").body, "\nsluice_log_dropped_total 0\n")
	})
	d.free()
	edit()
	until(t, "the log tells of it", func() {}, func() bool { return strings.Contains(d.read("log"), "lines of this log were lost") })
}

// TestLogThatNobodyReads has the process's own log go into a pipe whose reader has
// stopped reading, and then is gone.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	addr, admin := reserve(t), reserve(t)
	text := func(body string) string {
		return listening(addr, fmt.Sprintf(`"admin": {"address": %q},
"routes": [{"name": "a", "path": "/*", "respond": {"body": %q}}]`, admin, body))
	}
	file := write(t, text("one"))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// The pipe is full before anything is logged.
	if err := w.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = w.Write(make([]byte, 4096))
	}
	cmd := exec.Command(sluice, "run", "-config", file)
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	_ = w.Close()
	c := client(t)
	awaitBody := func(want string) {
		t.Helper()
		until(t, "it serves "+want, func() {}, func() bool {
			resp, err := c.Get("http://" + addr + "/")
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			b := make([]byte, 100)
			k, _ := resp.Body.Read(b)
			return string(b[:k]) == want
		})
	}
	awaitBody("one")
	replaceFile(t, file, text("two"))
	awaitBody("two")
	_ = r.Close()
	replaceFile(t, file, text("three"))
	awaitBody("three")
	until(t, "lines are lost", func() {}, func() bool {
		return !strings.Contains(get(t, c, "http://"+admin+"/metrics").body, "\nsluice_log_dropped_total 0\n")
	})
	_ = cmd.Process.Signal(os.Interrupt)
	if err := from(t, ended); err != nil {
		t.Errorf("ended with %v", err)
	}
}
