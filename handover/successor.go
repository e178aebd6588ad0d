package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Successor is a new process that is to take the place of this one. Its methods
// are for one goroutine.
type Successor struct {
	cmd     *exec.Cmd
	control net.Conn
	exited  chan struct{} // closed when the process has ended
	status  error         // how it ended; read once exited is closed
}

// Start runs program as the new process, with the arguments, environment, folder
// and standard streams of this one. The sockets stay open here.
func Start(program string, sockets []Socket) (*Successor, error) {
	names := []string{}
	control, theirs, err := pair()
	if err != nil {
		return nil, fmt.Errorf("cannot start a new process: %w", err)
	}
	files := []*os.File{theirs}
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	for _, s := range sockets {
		f, err := duplicate(s.Listener)
		if err != nil {
			_ = control.Close()
			return nil, fmt.Errorf("cannot pass on the socket of %s: %w", s.Name, err)
		}
		files, names = append(files, f), append(names, s.Name)
	}
	value, err := json.Marshal(names)
	if err != nil {
		_ = control.Close()
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), variable+"="+string(value))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = files
	if err := cmd.Start(); err != nil {
		_ = control.Close()
		return nil, fmt.Errorf("cannot start a new process: %w", err)
	}
	s := &Successor{cmd: cmd, control: control, exited: make(chan struct{})}
	go func() {
		s.status = cmd.Wait()
		close(s.exited)
	}()
	return s, nil
}

// PID is its process id.
func (s *Successor) PID() int { return s.cmd.Process.Pid }

// Exited is closed when the process has ended; Err tells then how.
func (s *Successor) Exited() <-chan struct{} { return s.exited }

// Err is nil where the process ended with exit code 0. It is to be asked once
// Exited is closed.
func (s *Successor) Err() error { return s.status }

// Await waits until the new process serves, and gives it the state, which is
// asked for when it is wanted, and its place. The error says why it will not
// serve, or is that of ctx; the process may still be there then.
func (s *Successor) Await(ctx context.Context, state func() ([]byte, error)) (Ready, error) {
	defer s.control.Close()
	defer context.AfterFunc(ctx, func() { _ = s.control.SetDeadline(time.Unix(1, 0)) })()
	in := json.NewDecoder(s.control)
	for {
		var m message
		err := in.Decode(&m)
		switch {
		case err != nil && ctx.Err() != nil:
			return Ready{}, ctx.Err()
		case err != nil:
			return Ready{}, s.failed(ctx, err)
		case m.Ready != nil:
			if err := json.NewEncoder(s.control).Encode(message{Go: true}); err != nil {
				return Ready{}, s.failed(ctx, err)
			}
			return *m.Ready, nil
		case m.Want:
			data, err := state()
			if err == nil {
				err = json.NewEncoder(s.control).Encode(message{State: data})
			}
			if err != nil && ctx.Err() == nil {
				return Ready{}, fmt.Errorf("cannot pass on the state: %w", err)
			}
		}
	}
}

// failed tells why a new process that has closed the connection did.
func (s *Successor) failed(ctx context.Context, err error) error {
	select {
	case <-s.exited:
	case <-ctx.Done():
		return fmt.Errorf("the new process is silent: %w", err)
	}
	var exit *exec.ExitError
	if errors.As(s.status, &exit) {
		return fmt.Errorf("the new process ended: %s", exit)
	}
	return errors.New("the new process ended before it served")
}

// Terminate asks the process to end as an operator would, so that it answers what
// it has accepted, and waits for that; when ctx ends it is killed.
func (s *Successor) Terminate(ctx context.Context) {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-s.exited:
	case <-ctx.Done():
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}
