package sock

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a connection that an [Acceptor] accepted. The runtime's poller gets to
// know it only when something has to be waited for: until then, what is done with
// it by [Conn.SyscallConn], as a [Stream] does, costs the system calls that do it
// and no more, and so does closing it. A connection that carries one request is
// never waited for.
//
// As of any [net.Conn], methods may be called from many goroutines.
type Conn struct {
	peer     netip.AddrPort
	listener net.Listener

	polled atomic.Pointer[polled] // nil: nothing was waited for yet

	mu     sync.Mutex // guards the rest, and setting polled
	fd     int
	busy   int // operations under way that polled does not know of
	closed bool

	readBy, writeBy time.Time // deadlines, for as long as polled is nil
}

// polled is a connection that the runtime's poller knows.
type polled struct {
	file *os.File
	raw  syscall.RawConn
}

// begin allows an operation on fd, to be ended by end, or returns the connection
// that is to be used instead. by is the deadline it is subject to.
func (c *Conn) begin(by *time.Time) (*polled, error) {
	if p := c.polled.Load(); p != nil {
		return p, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, net.ErrClosed
	case by != nil && *by == Past: // others come into force when it waits
		return nil, os.ErrDeadlineExceeded
	}
	if p := c.polled.Load(); p != nil {
		return p, nil
	}
	c.busy++
	return nil, nil
}

func (c *Conn) end() {
	c.mu.Lock()
	c.busy--
	last := c.closed && c.busy == 0
	c.mu.Unlock()
	if last {
		_ = c.release()
	}
}

// poll makes the connection known to the runtime's poller.
func (c *Conn) poll() (*polled, error) {
	if p := c.polled.Load(); p != nil {
		return p, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, net.ErrClosed
	}
	p := c.polled.Load()
	if p != nil {
		return p, nil
	}
	file := os.NewFile(uintptr(c.fd), "socket")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	if !c.readBy.IsZero() {
		_ = file.SetReadDeadline(c.readBy)
	}
	if !c.writeBy.IsZero() {
		_ = file.SetWriteDeadline(c.writeBy)
	}
	p = &polled{file, raw}
	c.polled.Store(p)
	return p, nil
}

// Rest has the runtime's poller forget the connection, until it is waited for again,
// which saves half of the memory of one that is idle. Deadlines are forgotten too. No
// other method may be under way. The descriptor has another number afterwards, and may
// be watched by none when it is called.
func (c *Conn) Rest() error {
	p := c.polled.Load()
	if p == nil {
		return nil
	}
	// A file gives its descriptor back only by closing it.
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = unix.Close(fd)
		return net.ErrClosed
	}
	c.fd, c.readBy, c.writeBy = fd, time.Time{}, time.Time{}
	c.polled.Store(nil)
	return p.file.Close()
}

// Close closes the connection; what waits for it ends.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	busy := c.busy > 0
	c.mu.Unlock()
	if busy {
		return nil // whoever is at it closes it
	}
	return c.release()
}

// release gives the descriptor back, once nobody uses it.
func (c *Conn) release() error {
	if p := c.polled.Load(); p != nil {
		return p.file.Close()
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(c.fd), 0, 0); errno != 0 {
		return os.NewSyscallError("close", errno)
	}
	return nil
}

// Read is as of a [net.Conn].
func (c *Conn) Read(p []byte) (int, error) {
	known, err := c.poll()
	if err != nil {
		return 0, err
	}
	n, err := known.file.Read(p)
	return n, c.plain(err)
}

// Write is as of a [net.Conn].
func (c *Conn) Write(p []byte) (int, error) {
	known, err := c.poll()
	if err != nil {
		return 0, err
	}
	n, err := known.file.Write(p)
	return n, c.plain(err)
}

// plain returns an error of a file as one of a [net.Conn].
func (c *Conn) plain(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err // which a net.Error can be, and path is not
	}
	return err
}

// SetDeadline is as of a [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline is as of a [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.setDeadline(&c.readBy, t, (*os.File).SetReadDeadline)
}

// SetWriteDeadline is as of a [net.Conn].
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(&c.writeBy, t, (*os.File).SetWriteDeadline)
}

func (c *Conn) setDeadline(by *time.Time, t time.Time, set func(*os.File, time.Time) error) error {
	if p := c.polled.Load(); p != nil {
		return set(p.file, t)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if p := c.polled.Load(); p != nil {
		return set(p.file, t)
	}
	*by = t
	return nil
}

// Peer returns the address of the other end; the zero value for a unix socket.
func (c *Conn) Peer() netip.AddrPort { return c.peer }

// RemoteAddr is as of a [net.Conn].
func (c *Conn) RemoteAddr() net.Addr {
	if !c.peer.IsValid() {
		return &net.UnixAddr{Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(c.peer)
}

// LocalAddr is as of a [net.Conn]; of one that was closed it is the listener's.
func (c *Conn) LocalAddr() net.Addr {
	addr := c.listener.Addr()
	_ = (*rawConn)(c).Control(func(fd uintptr) {
		sa, _ := unix.Getsockname(int(fd))
		switch sa := sa.(type) {
		case *unix.SockaddrInet4:
			addr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)))
		case *unix.SockaddrInet6:
			addr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)))
		}
	})
	return addr
}

// CloseWrite ends sending, as of a [net.TCPConn].
func (c *Conn) CloseWrite() error {
	return c.control(func(fd int) error { return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_WR)) })
}

// SetLinger is as of a [net.TCPConn].
func (c *Conn) SetLinger(seconds int) error {
	linger := unix.Linger{Onoff: 1, Linger: int32(seconds)}
	if seconds < 0 {
		linger = unix.Linger{}
	}
	return c.control(func(fd int) error {
		return os.NewSyscallError("setsockopt", unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &linger))
	})
}

func (c *Conn) control(f func(fd int) error) (err error) {
	if failed := (*rawConn)(c).Control(func(fd uintptr) { err = f(int(fd)) }); failed != nil {
		return failed
	}
	return err
}

// Descriptor returns the descriptor, for one who knows that the connection is open and
// that neither Close nor Rest is called while it is used.
func (c *Conn) Descriptor() int { return c.fd }

// SyscallConn returns the connection as a [syscall.RawConn]. It allocates nothing.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return (*rawConn)(c), nil }

// rawConn is a Conn for operations that wait only if they have to.
type rawConn Conn

// Control is as of a [syscall.RawConn].
func (r *rawConn) Control(f func(fd uintptr)) error {
	c := (*Conn)(r)
	known, err := c.begin(nil)
	switch {
	case err != nil:
		return err
	case known != nil:
		return c.plain(known.raw.Control(f))
	}
	f(uintptr(c.fd))
	c.end()
	return nil
}

// Read is as of a [syscall.RawConn].
func (r *rawConn) Read(f func(fd uintptr) bool) error {
	known, err := r.try(&r.readBy, f)
	if known != nil {
		err = (*Conn)(r).plain(known.raw.Read(f))
	}
	return err
}

// Write is as of a [syscall.RawConn].
func (r *rawConn) Write(f func(fd uintptr) bool) error {
	known, err := r.try(&r.writeBy, f)
	if known != nil {
		err = (*Conn)(r).plain(known.raw.Write(f))
	}
	return err
}

// try does f, if it need not wait. Else it returns the connection to do it with.
func (r *rawConn) try(by *time.Time, f func(fd uintptr) bool) (*polled, error) {
	c := (*Conn)(r)
	known, err := c.begin(by)
	if known != nil || err != nil {
		return known, err
	}
	done := f(uintptr(c.fd))
	c.end()
	if done {
		return nil, nil
	}
	return c.poll()
}
