package sock

import (
	"net"
	"syscall"
)

// Peeker looks at a socket without taking anything from it. It belongs to one
// connection and one goroutine at a time. It does not allocate after NewPeeker.
type Peeker struct {
	raw   syscall.RawConn
	look  func(fd uintptr)
	state State
}

// State is what a look at an idle socket shows.
type State uint8

// The states.
const (
	Quiet  State = iota // open, nothing to read
	Bytes               // there are bytes to read
	Closed              // the peer sends no more; it may still be reading
	Broken              // the connection is reset: the peer is gone
)

// NewPeeker returns a Peeker for c, or nil if c has no socket to look at.
func NewPeeker(c net.Conn) *Peeker {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	p := &Peeker{raw: raw}
	p.look = p.peek
	return p
}

// Look tells the state of the socket now. It costs one system call.
func (p *Peeker) Look() State {
	// Control, not Read: the latter fails where a read deadline has expired
	// while the connection was idle.
	if p.raw.Control(p.look) != nil {
		return Broken
	}
	return p.state
}

func (p *Peeker) peek(fd uintptr) {
	var b [1]byte
	for {
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			p.state = Quiet
		case err != nil:
			p.state = Broken
		case n == 0:
			p.state = Closed
			// After the peer's end, a later reset shows only here.
			if code, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR); err != nil || code != 0 {
				p.state = Broken
			}
		default:
			p.state = Bytes
		}
		return
	}
}
