package sock

import "syscall"

// State is what a look at a socket shows.
type State uint8

// The states.
const (
	Quiet  State = iota // open, nothing to read
	Bytes               // there are bytes to read
	Closed              // the peer sends no more; it may still be reading
	Broken              // the connection is reset: the peer is gone
)

// Look tells the state of the socket now, without taking anything from it; Quiet
// for a connection that has none. It costs one system call. It counts as a read.
func (s *Stream) Look() State {
	if s.raw == nil {
		return Quiet
	}
	if s.own {
		s.look(s.fd)
		return s.state
	}
	// Control, not Read: the latter fails where a read deadline has expired
	// while the connection was idle.
	if s.raw.Control(s.peek) != nil {
		return Broken
	}
	return s.state
}

func (s *Stream) look(fd uintptr) {
	n, errno := recv(fd, s.peeked[:], syscall.MSG_PEEK)
	switch {
	case errno == syscall.EAGAIN:
		s.state = Quiet
	case errno != 0:
		s.state = Broken
	case n == 0:
		s.state = Closed
		// After the peer's end, a later reset shows only here.
		if code, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR); err != nil || code != 0 {
			s.state = Broken
		}
	default:
		s.state = Bytes
	}
}
