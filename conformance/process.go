package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
	"time"
)

// process is a peer at work, with a directory of its own.
type process struct {
	cmd    *exec.Cmd
	dir    string
	output bytes.Buffer
	exited chan struct{}
}

// startProcess writes a config made from a template of sites and runs the program
// on it; the arguments may say DIR and CONF.
func startProcess(program, config string, sites []site, args ...string) (*process, error) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return nil, err
	}
	p := &process{dir: dir, exited: make(chan struct{})}
	conf := filepath.Join(dir, "conf")
	var text bytes.Buffer
	t := template.Must(template.New("").Parse(config))
	if err := t.Execute(&text, map[string]any{"Dir": dir, "Sites": sites}); err != nil {
		return nil, err
	}
	if err := os.WriteFile(conf, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	for i, a := range args {
		switch a {
		case "DIR":
			args[i] = dir
		case "CONF":
			args[i] = conf
		}
	}
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// listening waits until the process accepts connections.
func (p *process) listening(address string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if c, err := net.Dial("tcp", address); err == nil {
			return c.Close()
		}
		select {
		case <-p.exited:
			return fmt.Errorf("cannot start %s: %s", p.cmd.Path, p.output.String())
		case <-tick.C:
		}
	}
	return fmt.Errorf("%s does not listen on %s", p.cmd.Path, address)
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	_ = os.RemoveAll(p.dir)
}

// version returns what the program says of itself, to the first line's end.
func version(program string, args ...string) string {
	out, _ := exec.Command(program, args...).CombinedOutput()
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return string(line)
}
