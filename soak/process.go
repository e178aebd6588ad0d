package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is the Sluice that is soaked.
type process struct {
	cmd   *exec.Cmd
	admin string
	log   *os.File
	ended chan struct{} // closed when it has ended
}

// start runs program on the site's config and waits until it is ready.
func start(ctx context.Context, program string, s *site) (*process, error) {
	log, err := os.Create(s.file + ".log")
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(program, "run", "-config", s.file), admin: s.admin, log: log, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// A group of its own, so that an interrupt from the keyboard reaches us alone.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start sluice: %w", err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; {
		if resp, err := http.Get("http://" + p.admin + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p, nil
			}
		}
		select {
		case <-p.ended:
			return nil, errors.Join(errors.New("sluice has ended at once"), p.explain())
		case <-tick.C:
		}
	}
	p.kill()
	return nil, errors.Join(errors.New("sluice is not ready"), p.explain())
}

// stop ends Sluice as an operator does; an error says that it ended otherwise.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		return errors.New("sluice does not end on SIGTERM")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("sluice ended with code %d", code)
	}
	text, err := os.ReadFile(p.log.Name())
	if bytes.Contains(text, []byte("panic")) || bytes.Contains(text, []byte("DATA RACE")) {
		err = errors.New("sluice has panicked or raced")
	}
	return err
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = p.log.Close()
}

// explain returns the end of what Sluice has printed, as an error; nil if it has
// printed nothing.
func (p *process) explain() error {
	const most = 8 << 10
	text, err := os.ReadFile(p.log.Name())
	if err != nil || len(text) == 0 {
		return err
	}
	return fmt.Errorf("sluice printed:\n%s", text[max(0, len(text)-most):])
}

// resident returns the resident memory in bytes.
func (p *process) resident() (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			kib, err := strconv.Atoi(f[1])
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

// descriptors returns how many are open.
func (p *process) descriptors() (int, error) {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return len(all), err
}

// metrics reads the named metrics, which have no labels.
func (p *process) metrics(names ...string) (map[string]int, error) {
	resp, err := http.Get("http://" + p.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	found := map[string]int{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		for _, want := range names {
			if name == want {
				f, err := strconv.ParseFloat(value, 64)
				if err != nil {
					return nil, err
				}
				found[name] = int(f)
			}
		}
	}
	if len(found) != len(names) {
		return nil, fmt.Errorf("/metrics lacks some of %v", names)
	}
	return found, nil
}

// goroutines returns how many there are, and what they do.
func (p *process) goroutines() (int, string, error) {
	resp, err := http.Get("http://" + p.admin + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		return 0, "", err
	}
	var n int
	_, err = fmt.Sscanf(text.String(), "goroutine profile: total %d", &n)
	return n, text.String(), err
}
