package sock

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Acceptor accepts connections from a listener with one system call for each,
// where [net.Listener] takes five: they are of type [*Conn].
type Acceptor struct {
	l    net.Listener
	file *os.File // a second descriptor of the socket: a listener cannot be waited for but by its own Accept
	raw  syscall.RawConn

	closed atomic.Bool

	// An Accept under way.
	accept func(fd uintptr) bool
	took   func(net.Conn) (again bool) // nil: one is accepted
	conn   *Conn
	err    error

	woken bool // it was waited for one

	// A set of the socket alone, to look whether one waits: of all system calls that
	// tell it is the cheapest.
	epoll int
	event [1]syscall.EpollEvent
}

// NewAcceptor returns an Acceptor for l, which stays its caller's and is not to
// accept meanwhile.
func NewAcceptor(l net.Listener) (*Acceptor, error) {
	filer, ok := l.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, errors.New("not a socket")
	}
	file, err := filer.File()
	if err != nil {
		return nil, err
	}
	a := &Acceptor{l: l, file: file}
	if a.raw, err = file.SyscallConn(); err != nil {
		_ = file.Close()
		return nil, err
	}
	if a.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		_ = file.Close()
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	a.accept = a.acceptNext
	var failed error
	_ = a.raw.Control(func(fd uintptr) {
		// Accepted ones inherit it. A unix socket knows no such option.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		failed = syscall.EpollCtl(a.epoll, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{Events: syscall.EPOLLIN})
	})
	if failed != nil {
		_ = a.Close()
		return nil, os.NewSyscallError("epoll_ctl", failed)
	}
	return a, nil
}

// Accept waits for a connection and returns it. One goroutine at a time may call it.
func (a *Acceptor) Accept() (net.Conn, error) {
	return a.result(a.raw.Read(a.accept))
}

// Each waits for connections and calls took with each, for as long as it returns true.
// What SetDeadline sets is looked at before it waits. One goroutine at a time may call
// it or Accept, and took neither of them.
func (a *Acceptor) Each(took func(c net.Conn) (again bool)) error {
	a.took = took
	_, err := a.result(a.raw.Read(a.accept))
	a.took = nil
	return err
}

// AcceptNow returns a connection that waits to be accepted, whatever the deadline.
// Without one the error is EAGAIN.
func (a *Acceptor) AcceptNow() (net.Conn, error) {
	return a.result(a.raw.Control(func(fd uintptr) {
		if !a.try(fd) {
			a.err = os.NewSyscallError("accept4", syscall.EAGAIN)
		}
	}))
}

// Defer sets whether the kernel keeps new connections to itself until bytes have come
// on them, or about a second has passed. A unix socket cannot.
func (a *Acceptor) Defer(on bool) error {
	seconds := 0
	if on {
		seconds = 1
	}
	var err error
	failed := a.raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, seconds)
	})
	return errors.Join(failed, os.NewSyscallError("setsockopt", err))
}

// SetDeadline is as of a [net.TCPListener]; a time that is past ends an Accept under way.
func (a *Acceptor) SetDeadline(t time.Time) error { return a.file.SetReadDeadline(t) }

// Close ends the Acceptor. The listener stays open.
func (a *Acceptor) Close() error {
	if a.closed.Swap(true) {
		return net.ErrClosed
	}
	err := a.file.Close() // waits for an Accept under way
	return errors.Join(err, syscall.Close(a.epoll))
}

func (a *Acceptor) result(err error) (net.Conn, error) {
	c := a.conn
	if err == nil {
		err = a.err
	}
	a.conn, a.err = nil, nil
	switch {
	case err == nil:
		return c, nil
	case a.closed.Load():
		err = net.ErrClosed
	}
	return nil, &net.OpError{Op: "accept", Net: a.l.Addr().Network(), Addr: a.l.Addr(), Err: err}
}

// acceptNext is try, if a connection waits, and again after each that was taken. An
// accept4 that finds none makes and removes a socket first, which costs as much as
// twenty looks whether there is one.
func (a *Acceptor) acceptNext(fd uintptr) bool {
	for {
		if !a.woken && !a.waits() {
			a.woken = true
			return false
		}
		a.woken = false // by one
		if !a.try(fd) {
			a.woken = true
			return false
		}
		if a.took == nil || a.err != nil {
			return true
		}
		c := a.conn
		if a.conn = nil; !a.took(c) {
			return true
		}
	}
}

// waits reports whether a connection waits to be accepted.
func (a *Acceptor) waits() bool {
	n, err := Ready(uintptr(a.epoll), a.event[:])
	return n > 0 || err != nil // accept4 will tell
}

// try reports whether it has got a connection or an error.
func (a *Acceptor) try(fd uintptr) bool {
	for {
		// Not known to the scheduler, as in transfer.
		var peer unix.RawSockaddrAny
		size := uint32(unix.SizeofSockaddrAny)
		n, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, fd, uintptr(unsafe.Pointer(&peer)),
			uintptr(unsafe.Pointer(&size)), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			a.conn = &Conn{fd: int(n), peer: addrPort(&peer), listener: a.l}
			return true
		case syscall.EINTR, syscall.ECONNABORTED: // the latter: it was closed before it was accepted
		case syscall.EAGAIN:
			return false
		default:
			a.err = os.NewSyscallError("accept4", errno)
			return true
		}
	}
}

// addrPort returns an IP address of the kernel's; the zero value for another kind.
func addrPort(sa *unix.RawSockaddrAny) netip.AddrPort {
	port := func(p *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }
	switch sa.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), port(&in.Port))
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom16(in.Addr).Unmap(), port(&in.Port))
	}
	return netip.AddrPort{}
}
