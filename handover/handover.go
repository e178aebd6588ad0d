// Package handover passes listening sockets, and what has been learned, from a
// process to the one that takes its place, so that no client notices. The two
// share each socket and its queue of connections for a while: none is lost,
// whichever of them accepts it.
//
// The old process runs the new one with the sockets as inherited descriptors and
// a control connection between them. Over that, the new one asks for the state
// when it is about to serve, and tells when it does. The old one decides then: it
// gives its place away, or closes the connection, upon which the new one has to
// go, but not without having answered what it has accepted.
package handover

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// variable is the environment variable that tells a process that it takes the
// place of another. Its value is a JSON array with the names of the sockets.
const variable = "SLUICE_HANDOVER"

// The first of the inherited descriptors is the control connection; the sockets
// come behind it in the order of their names.
const (
	controlFD   = 3
	firstSocket = 4
)

// Socket is a listening socket, and the name it has in both processes. Two of one
// name are told apart by their order.
type Socket struct {
	Name     string
	Listener net.Listener
}

// Ready is what a new process tells of itself.
type Ready struct {
	Version string `json:"version"`
}

// message is a line on the control connection.
type message struct {
	Want  bool            `json:"want_state,omitempty"` // from the new process
	State json.RawMessage `json:"state,omitempty"`      // from the old one
	Ready *Ready          `json:"ready,omitempty"`      // from the new one
	Go    bool            `json:"go,omitempty"`         // from the old one: the place is yours
}

// Program returns the path that this process was started by, so that whatever
// program lies there by then is the one that a new process runs. Call it before
// the working directory changes, and early: the program must still be in place.
func Program() (string, error) {
	running, err := os.Stat("/proc/self/exe")
	if err != nil {
		return os.Executable()
	}
	// Not what the system says: it has followed symbolic links, which a new
	// version may be put in force by.
	path, err := exec.LookPath(os.Args[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err == nil {
		if named, err := os.Stat(path); err == nil && os.SameFile(named, running) {
			return path, nil
		}
	}
	return os.Executable()
}

// duplicate returns a descriptor of its own for the socket of l. Unlike with
// l.File(), the socket stays non-blocking in both processes when it is passed on.
func duplicate(l net.Listener) (*os.File, error) {
	conn, ok := l.(syscall.Conn)
	if !ok {
		return nil, errors.New("it has no descriptor")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var f *os.File
	closed := raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		var fresh int
		if fresh, err = syscall.Dup(int(fd)); err == nil {
			syscall.CloseOnExec(fresh)
			f = os.NewFile(uintptr(fresh), l.Addr().String())
		}
	})
	return f, errors.Join(closed, err)
}

// pair returns the two ends of a control connection.
func pair() (ours net.Conn, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	f := os.NewFile(uintptr(fds[0]), "handover")
	defer f.Close()
	theirs = os.NewFile(uintptr(fds[1]), "handover")
	if ours, err = net.FileConn(f); err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// KeepPath makes closing l leave the path of a unix socket, by which clients find
// the process that shares it.
func KeepPath(l net.Listener) { unlinkOnClose(l, false) }

func unlinkOnClose(l net.Listener, unlink bool) {
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(unlink)
	}
}
