package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a running Sluice.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	next *os.Process // what has taken the place of cmd; nil for nothing
	file string      // its config
	addr string      // its first listener, where serve made the config
	log  *journal    // stderr
	out  *journal    // stdout
	done chan struct{}
}

// serve runs Sluice with one listener and the given other sections of a config.
// It is ended with the test.
func serve(t *testing.T, sections string) *process {
	t.Helper()
	return serveBy(t, sluice, sections)
}

// serveBy is serve with a build of the test's own.
func serveBy(t *testing.T, program, sections string) *process {
	t.Helper()
	addr := reserve(t)
	p := serveFile(t, program, write(t, listening(addr, sections)))
	p.addr = addr
	return p
}

// listening is the config with one listener and other sections.
func listening(addr, sections string) string {
	return fmt.Sprintf("{\"listeners\": [{\"address\": %q}],\n%s}\n", addr, sections)
}

// proxyTo are the sections that send everything to one upstream: the target, and
// more settings of the upstream.
func proxyTo(target string, settings ...string) string {
	return fmt.Sprintf(`"upstreams": {"origin": {"targets": [{"address": %q}]%s}},
"routes": [{"name": "all", "path": "/*", "upstream": "origin"}]`,
		target, strings.Join(append([]string{""}, settings...), ", "))
}

// write writes a config into a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// serveFile runs Sluice with a config and waits until it serves.
func serveFile(t *testing.T, program, file string) *process {
	t.Helper()
	p := start(t, program, "run", "-config", file)
	p.file = file
	p.log.after(t, 0, "config in force")
	return p
}

// start runs a program until the end of the test at the latest. It fails the
// test if the program panics or races.
func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, log: newJournal(), out: newJournal(), done: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	var taking sync.WaitGroup
	var writers []*io.PipeWriter
	pipe := func(j *journal) io.Writer {
		r, w := io.Pipe()
		taking.Go(func() { j.take(r) })
		writers = append(writers, w)
		return w
	}
	p.cmd.Stderr, p.cmd.Stdout = pipe(p.log), pipe(p.out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // what it was is in ProcessState
		for _, w := range writers {
			_ = w.Close()
		}
		taking.Wait()
		close(p.done)
	}()
	t.Cleanup(p.end)
	return p
}

// end ends a process that the test has left running.
func (p *process) end() {
	p.t.Helper()
	select {
	case <-p.done:
	default:
		// The first drains; the second cuts off what the test has left open.
		p.signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(time.Second):
			p.signal(syscall.SIGTERM)
		}
		if code := p.exit(); code != 0 {
			p.t.Errorf("exit code %d at the end of the test", code)
		}
	}
	text := p.log.String()
	if strings.Contains(text, "panic") || strings.Contains(text, "DATA RACE") {
		p.t.Error("it has panicked or raced")
	}
	if p.t.Failed() && text != "" {
		p.t.Logf("log of %s:\n%s", filepath.Base(p.cmd.Path), text)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	to := p.cmd.Process
	if p.next != nil {
		to = p.next
	}
	if err := to.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// exit waits for the process, and those that took its place, to end and returns
// its exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		if p.next != nil {
			_ = p.next.Kill()
		}
		<-p.done
		p.t.Fatalf("it has not ended; log:\n%s", p.log)
	}
	return p.cmd.ProcessState.ExitCode()
}

// edit replaces the config and waits until what became of it is told: by a line
// that has the text.
func (p *process) edit(text, outcome string) string {
	p.t.Helper()
	mark := p.log.mark()
	replaceFile(p.t, p.file, text)
	line, _ := p.log.after(p.t, mark, outcome)
	return line
}

// What becomes of an edit.
const (
	inForce = "config in force"
	refused = "config refused"
)

// replaceFile writes a file as careful editors do: a new one takes its place.
func replaceFile(t testing.TB, file, text string) {
	t.Helper()
	next := file + ".next"
	if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
}

// command runs Sluice to its end.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	p := start(t, sluice, args...)
	code = p.exit()
	return code, p.out.String(), p.log.String()
}
