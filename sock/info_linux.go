package sock

import (
	"time"

	"golang.org/x/sys/unix"
)

// HeardAgo returns how long ago the peer's kernel was last heard of, in the
// kernel's coarse ticks: of a connection that the peer has closed, how long ago
// that was. 0 where it cannot be told, as of a unix socket.
func (s *Stream) HeardAgo() (ago time.Duration) {
	s.control(func(fd int) {
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			ago = time.Duration(info.Last_ack_recv) * time.Millisecond
		}
	})
	return ago
}

// tcpClose is the state of a connection that is over, in the kernel's numbers.
const tcpClose = 7

// resetWait bounds the wait for a peer to refuse what it was sent: about a round
// trip, and some more where one is lost.
const resetWait = 250 * time.Millisecond

// Untouched reports whether the peer, whose end has been read, can have read none
// of the n bytes that were written last: when it closed, its kernel had not got a
// single one, for the end that it sent acknowledges none; and they were refused,
// as it does once nobody is there to read. It is false wherever that cannot be
// proven: as after a reset without an end, which a peer sends too that has read a
// part and not the rest. It may wait, for up to 250 ms, for the refusal to come.
//
// One peer escapes it: one that ends its own side only, reads on all the same, and
// resets the connection before its kernel has acknowledged what it read, within
// some 40 ms. It could answer nobody.
func (s *Stream) Untouched(n int) (proven bool) {
	s.control(func(fd int) {
		if !unacknowledged(fd, n) {
			return
		}
		refused := []unix.PollFd{{Fd: int32(fd)}} // POLLERR and POLLHUP are always asked for
		_, _ = unix.Poll(refused, int(resetWait/time.Millisecond))
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		proven = err == nil && info.State == tcpClose && unacknowledged(fd, n)
	})
	return proven
}

// unacknowledged reports whether none of the n bytes written last were acknowledged.
// A unix socket, which counts memory and delivers at once, never says so.
func unacknowledged(fd, n int) bool {
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL); err != nil || kind != unix.IPPROTO_TCP {
		return false
	}
	queued, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	return err == nil && queued >= n
}

func (s *Stream) control(f func(fd int)) {
	if s.raw != nil {
		_ = s.raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
