package sock

import (
	"os"
	"syscall"
	"unsafe"
)

// Ready asks an epoll set which of its descriptors are ready, and does not wait: n
// are, in events. It does not block, so the scheduler is not told: that would wake
// the runtime's monitor, which looks on every 20 µs from then.
func Ready(epoll uintptr, events []syscall.EpollEvent) (n int, err error) {
	r, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, epoll,
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	switch errno {
	case 0:
		return int(r), nil
	case syscall.EINTR:
		return 0, nil
	}
	return 0, os.NewSyscallError("epoll_pwait", errno)
}
