//go:build !linux || race

package sock

import (
	"errors"
	"syscall"
)

// Also for the race detector, which learns by syscall's Read and Write, and not by
// raw system calls, that what comes over a socket comes after it was sent.

func recv(fd uintptr, p []byte, flags uintptr) (n int, errno syscall.Errno) {
	for {
		var err error
		if flags == 0 {
			n, err = syscall.Read(int(fd), p)
		} else {
			n, _, err = syscall.Recvfrom(int(fd), p, syscall.MSG_DONTWAIT|int(flags))
		}
		if err != syscall.EINTR {
			return max(n, 0), number(err)
		}
	}
}

func send(fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, err := syscall.Write(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), number(err)
		}
	}
}

func number(err error) (errno syscall.Errno) {
	if err != nil && !errors.As(err, &errno) {
		errno = syscall.EIO
	}
	return errno
}
