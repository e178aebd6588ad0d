package server

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

// poller tells which of many sockets have something to read. It is an epoll set
// beside the runtime's own; sockets are in both. The set itself is waited for in
// the runtime's, so that waiting takes no thread.
type poller struct {
	file   *os.File
	raw    syscall.RawConn
	closed atomic.Bool
	epoll  int
	events [128]syscall.EpollEvent

	// A wait under way.
	look   func(fd uintptr) bool // attend, made once
	took   func([]ready) (again bool)
	batch  []ready
	failed error
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	p := &poller{epoll: fd}
	// What does not block is left to the runtime to wait for.
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p.file = os.NewFile(uintptr(fd), "epoll")
	p.look = p.attend
	p.raw, err = p.file.SyscallConn()
	return p, errors.Join(err, p.until(time.Time{}))
}

// until sets when wait gives up; never for the zero Time.
func (p *poller) until(at time.Time) error { return p.file.SetReadDeadline(at) }

// watch has wait tell, once, that fd is readable or its peer has closed; what was
// so before counts. known says that fd was watched before.
func (p *poller) watch(fd int, known bool) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(fd)}
	op := syscall.EPOLL_CTL_ADD
	if known {
		op = syscall.EPOLL_CTL_MOD
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.epoll, op, fd, &event))
}

// forget ends watching fd, which is open.
func (p *poller) forget(fd int) {
	_ = syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_DEL, fd, nil)
}

// wait calls took with the sockets that are ready, each time that some are, for as
// long as it returns true. Ones that were closed since, and others that have their number
// now, may be among them. After close the error is [os.ErrClosed].
//
// To the runtime all of it is one read, as with [sock.Stream.Serve]: what comes while
// took runs ends the next wait at once, so that there is no look for it.
func (p *poller) wait(took func([]ready) (again bool)) error {
	p.took, p.failed = took, nil
	err := p.raw.Read(p.look)
	if p.closed.Load() {
		return os.ErrClosed
	}
	if err == nil {
		err = p.failed
	}
	return err
}

// attend reports whether wait is done.
func (p *poller) attend(fd uintptr) bool {
	for {
		n, err := sock.Ready(fd, p.events[:])
		if p.failed = err; err != nil {
			return true
		}
		if n == 0 {
			return false
		}
		p.batch = p.batch[:0]
		for _, e := range p.events[:n] {
			p.batch = append(p.batch, ready{fd: int(e.Fd), hungUp: e.Events&^syscall.EPOLLIN != 0})
		}
		if !p.took(p.batch) {
			return true
		}
		if n < len(p.events) {
			return false
		}
	}
}

func (p *poller) close() {
	p.closed.Store(true)
	_ = p.file.Close()
}

// hasBytes reports whether there is something to read from fd.
func hasBytes(fd int) bool {
	var b [1]byte
	for {
		n, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return n > 0
		}
	}
}
