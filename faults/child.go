package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// child is a process of ours: a proxy or an origin.
type child struct {
	cmd   *exec.Cmd
	log   string        // the file with what it prints
	ended chan struct{} // closed when it has ended
}

// command says what to run.
type command struct {
	log         string // a file for what it prints
	name        string
	args        []string
	env         []string
	stdin       io.Reader
	stdout      io.Writer // the log if nil
	stderr      string    // a file; the log if empty
	descriptors int       // limit of open descriptors; 0 keeps ours
	behind      *link     // the end of which it lives at; nil for here
}

func start(c command) (*child, error) {
	out, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	name, args := c.name, c.args
	if c.descriptors > 0 {
		script := "ulimit -n " + strconv.Itoa(c.descriptors) + ` && exec "$0" "$@"`
		name, args = "/bin/sh", append([]string{"-c", script, name}, args...)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, out, out
	if c.stdout != nil {
		cmd.Stdout = c.stdout
	}
	if c.stderr != "" {
		file, err := os.OpenFile(c.stderr, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		cmd.Stderr = file
	}
	// A group of its own, so that all of its processes can be ended.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.behind.enter(cmd.Start); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", c.name, err)
	}
	p := &child{cmd: cmd, log: c.log, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *child) pid() int { return p.cmd.Process.Pid }

func (p *child) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// kill ends the process and all of its group, by force.
func (p *child) kill() {
	_ = syscall.Kill(-p.pid(), syscall.SIGKILL)
	<-p.ended
}

// stop ends the process as an operator does, and by force after some seconds.
func (p *child) stop() {
	_ = p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
	}
	p.kill()
}

func (p *child) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// descriptors returns how many the process has open.
func (p *child) descriptors() int {
	all, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid()))
	return len(all)
}

// explain adds what the process has printed last to an error about it.
func (p *child) explain(err error) error {
	const most = 4 << 10
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%w; it printed:\n%s", err, text[max(0, len(text)-most):])
}

// await polls until done says so; it fails when that takes too long or the
// process has ended.
func (p *child) await(what string, done func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if done() {
			return nil
		}
		select {
		case <-p.ended:
			return p.explain(fmt.Errorf("it has ended before it was %s", what))
		case <-tick.C:
		}
	}
	return p.explain(fmt.Errorf("it is not %s", what))
}

// console is a child that obeys lines of text and answers each with a line.
type console struct {
	*child
	in  io.WriteCloser
	out *bufio.Reader
}

// startConsole starts this program in another role. It ends when we do, because
// then its standard input does.
func startConsole(behind *link, role, log string, args ...string) (*console, error) {
	inRead, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, outWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = inRead.Close()
		_ = outWrite.Close()
	}()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := start(command{log: log, name: self, args: args, env: []string{roleVariable + "=" + role}, stdin: inRead,
		stdout: outWrite, behind: behind})
	if err != nil {
		return nil, err
	}
	return &console{child: p, in: in, out: bufio.NewReader(out)}, nil
}

// tell gives an order and returns the answer without its end of line.
func (c *console) tell(order string) (string, error) {
	if _, err := io.WriteString(c.in, order+"\n"); err != nil {
		return "", c.explain(err)
	}
	return c.listen()
}

func (c *console) listen() (string, error) {
	line, err := c.out.ReadString('\n')
	if err != nil {
		return "", c.explain(errors.Join(errors.New("it does not answer"), err))
	}
	return line[:len(line)-1], nil
}

func (c *console) close() {
	c.kill()
	_ = c.in.Close()
}
