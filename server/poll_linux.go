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

// wait appends sockets that are ready to dst. Ones that were closed since, and
// others that have their number now, may be among them. After close the error is
// [os.ErrClosed].
func (p *poller) wait(dst []ready) ([]ready, error) {
	n := 0
	var failed error
	err := p.raw.Read(func(fd uintptr) bool {
		n, failed = sock.Ready(fd, p.events[:])
		return n > 0 || failed != nil
	})
	if p.closed.Load() {
		return dst, os.ErrClosed
	}
	for _, e := range p.events[:max(n, 0)] {
		dst = append(dst, ready{fd: int(e.Fd), hungUp: e.Events&^syscall.EPOLLIN != 0})
	}
	if err == nil {
		err = failed
	}
	return dst, err
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
