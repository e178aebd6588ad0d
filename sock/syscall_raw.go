//go:build linux && !race

package sock

import (
	"syscall"
	"unsafe"
)

// recv and send make one system call that does not block. The scheduler is not
// told of it, as it is by package syscall: there is nothing to wait for, so
// nothing that could run meanwhile.

func recv(fd uintptr, p []byte, flags uintptr) (int, syscall.Errno) {
	return transfer(syscall.SYS_RECVFROM, fd, p, syscall.MSG_DONTWAIT|flags)
}

func send(fd uintptr, p []byte) (int, syscall.Errno) {
	return transfer(syscall.SYS_SENDTO, fd, p, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
}

func transfer(call, fd uintptr, p []byte, flags uintptr) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
