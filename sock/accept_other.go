//go:build !linux

package sock

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// Acceptor accepts connections from a listener; on Linux at less cost.
type Acceptor struct {
	net.Listener
}

type listener interface {
	SetDeadline(time.Time) error
	SyscallConn() (syscall.RawConn, error)
}

// NewAcceptor returns an Acceptor for l, which stays its caller's and is not to
// accept meanwhile.
func NewAcceptor(l net.Listener) (*Acceptor, error) {
	if _, ok := l.(listener); !ok {
		return nil, errors.New("not a socket")
	}
	return &Acceptor{l}, nil
}

// Each waits for connections and calls took with each, for as long as it returns true.
func (a *Acceptor) Each(took func(c net.Conn) (again bool)) error {
	for {
		c, err := a.Accept()
		if err != nil || !took(c) {
			return err
		}
	}
}

// AcceptNow returns a connection that waits to be accepted, whatever the deadline.
func (a *Acceptor) AcceptNow() (conn net.Conn, err error) {
	raw, err := a.Listener.(listener).SyscallConn()
	if err != nil {
		return nil, err
	}
	closed := raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		var fresh int
		if fresh, _, err = syscall.Accept(int(fd)); err == nil {
			syscall.CloseOnExec(fresh)
			f := os.NewFile(uintptr(fresh), "")
			defer f.Close()
			conn, err = net.FileConn(f)
		}
	})
	return conn, errors.Join(closed, err)
}

// Defer is of Linux.
func (*Acceptor) Defer(bool) error { return errors.ErrUnsupported }

// SetDeadline is as of a [net.TCPListener]; a time that is past ends an Accept under way.
func (a *Acceptor) SetDeadline(t time.Time) error { return a.Listener.(listener).SetDeadline(t) }

// Close ends the Acceptor. The listener stays open.
func (a *Acceptor) Close() error { return nil }
