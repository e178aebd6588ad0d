package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable says that this process has a world of its own; see isolate.
const insideVariable = "FAULTS_INSIDE"

// isolate starts this program again in namespaces of its own: network, so that
// links and a DNS server of ours touch nothing of the machine; mounts, so that
// /etc/resolv.conf can be another; processes, so that none is left over. It
// returns the exit code, and false where the machine does not permit that.
func isolate() (code int, ok bool) {
	// The child dies with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return 0, false
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		return 0, false
	}
	_ = cmd.Wait()
	switch code := cmd.ProcessState.ExitCode(); code {
	case exitNoWorld:
		return 0, false
	case -1: // by a signal
		return 1, true
	default:
		return code, true
	}
}

// exitNoWorld is the exit code where namespaces were given but are of no use.
const exitNoWorld = 77

// world is what the namespaces of this process allow.
type world struct {
	links bool
	dns   *dnsServer // nil without a mount namespace
}

// inside reports whether isolate has started this process.
func inside() bool { return os.Getenv(insideVariable) != "" }

// newWorld sets up the namespaces that this process is in, in which everything is
// still to be done; dir is for files.
func newWorld(dir string) (*world, error) {
	w := &world{}
	if !inside() {
		return w, nil
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("cannot keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return nil, fmt.Errorf("cannot mount /proc: %w", err)
	}
	if err := raise("lo", nil); err != nil {
		return nil, err
	}
	_, err := os.Stat("/dev/net/tun")
	w.links = err == nil
	file := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver "+dnsIP+"\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
		return nil, err
	}
	if unix.Mount(file, "/etc/resolv.conf", "", unix.MS_BIND, "") == nil {
		w.dns, err = startDNS()
	} else {
		err = nil
	}
	return w, err
}

// raise gives an interface of the current network namespace an address of a
// network of 256, unless ip is nil, and takes it into use.
func raise(name string, ip []byte) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	set := func(what uint, fill func(*unix.Ifreq) error) error {
		r, err := unix.NewIfreq(name)
		if err == nil {
			err = fill(r)
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, what, r)
		}
		return err
	}
	if ip != nil {
		err = errors.Join(
			set(unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(ip) }),
			set(unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{255, 255, 255, 0}) }))
	}
	up := func(r *unix.Ifreq) error {
		r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		return nil
	}
	if err := errors.Join(err, set(unix.SIOCSIFFLAGS, up)); err != nil {
		return fmt.Errorf("cannot raise interface %s: %w", name, err)
	}
	return nil
}
