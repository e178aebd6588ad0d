package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// cores says what runs where, as lists for taskset; pinned is false where
// taskset or a core for the load is missing.
type cores struct {
	pinned      bool
	proxy, load string
	loadCount   int // how many cores the load has, with others or alone
}

// findCores gives the first cores to the proxies, one to each of their workers,
// and the others to the load generator and the origins. Only one proxy is under
// load at a time.
func findCores(count, workers int) cores {
	_, err := exec.LookPath("taskset")
	if err != nil || count <= workers {
		return cores{loadCount: count}
	}
	return cores{pinned: true, proxy: span(0, workers-1), load: span(workers, count-1), loadCount: count - workers}
}

func span(first, last int) string {
	if first == last {
		return strconv.Itoa(first)
	}
	return strconv.Itoa(first) + "-" + strconv.Itoa(last)
}

func (c cores) String() string {
	if !c.pinned {
		return "not pinned: all share " + strconv.Itoa(c.loadCount)
	}
	return "the proxy under load on " + c.proxy + ", load and origins on " + c.load
}

// pin returns the command that runs name with args on a list of cores.
func (c cores) pin(list, name string, args []string) (string, []string) {
	if !c.pinned {
		return name, args
	}
	return "taskset", append([]string{"-c", list, name}, args...)
}

// keepOff moves the bench itself to the cores of the load: its own turns are not
// to interrupt a proxy.
func (c cores) keepOff() {
	if c.pinned {
		_ = exec.Command("taskset", "-a", "-p", "-c", c.load, strconv.Itoa(os.Getpid())).Run()
	}
}

// process is a child that runs until stop is called.
type process struct {
	cmd   *exec.Cmd
	log   string        // the file with what it prints
	ended chan struct{} // closed when it has ended
}

// startProcess starts a command whose output goes to a file.
func startProcess(log, name string, args []string, env ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	// A group of its own: an interrupt from the keyboard reaches the bench alone,
	// which then ends each group as a whole, nginx's workers with their master.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", name, err)
	}
	p := &process{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and its descendants, by force after two seconds.
func (p *process) stop() {
	_ = syscall.Kill(p.pid(), syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
	}
	_ = syscall.Kill(-p.pid(), syscall.SIGKILL)
	<-p.ended
}

// awaitAnswer returns when address answers a request, and fails when it has not
// within a minute or the process has ended before.
func (p *process) awaitAnswer(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/bench", http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			return nil
		}
		select {
		case <-p.ended:
			return p.explain(errors.New("has ended"))
		case <-ctx.Done():
			return p.explain(fmt.Errorf("does not answer: %w", err))
		case <-retry.C:
		}
	}
}

// explain adds what the process printed to an error about it.
func (p *process) explain(err error) error {
	const most = 4 << 10
	printed, readErr := os.ReadFile(p.log)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return fmt.Errorf("%w; it printed:\n%s", err, printed[max(0, len(printed)-most):])
}

// freePorts finds ports on loopback that nobody listens on.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		// Closed only when all are found, so that no two are the same.
		defer func() { _ = l.Close() }()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
