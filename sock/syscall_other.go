//go:build !linux

package sock

import (
	"errors"
	"syscall"
)

func recv(fd uintptr, p []byte, flags uintptr) (int, syscall.Errno) {
	for {
		n, _, err := syscall.Recvfrom(int(fd), p, syscall.MSG_DONTWAIT|int(flags))
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
