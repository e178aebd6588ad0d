package handover

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// Inheritance is what this process was given by the one whose place it takes. A
// nil one is that of a process started otherwise: it has nothing. It is for one
// goroutine.
type Inheritance struct {
	control net.Conn
	in      *json.Decoder
	sockets []*heirloom
	state   func() ([]byte, error)
}

// heirloom is an inherited socket.
type heirloom struct {
	name  string
	file  *os.File
	taken []net.Listener
}

// Claim returns what this process was given; nil if it was started by no other.
// It is to be called once, before this process starts any other.
func Claim() (*Inheritance, error) {
	value, ok := os.LookupEnv(variable)
	if !ok {
		return nil, nil
	}
	_ = os.Unsetenv(variable)
	var names []string
	if err := json.Unmarshal([]byte(value), &names); err != nil {
		return nil, fmt.Errorf("cannot read the environment variable %s: %w", variable, err)
	}
	h := &Inheritance{}
	for i, name := range names {
		fd := firstSocket + i
		syscall.CloseOnExec(fd)
		h.sockets = append(h.sockets, &heirloom{name: name, file: os.NewFile(uintptr(fd), name)})
	}
	syscall.CloseOnExec(controlFD)
	f := os.NewFile(controlFD, "handover")
	defer f.Close()
	var err error
	if h.control, err = net.FileConn(f); err != nil {
		return nil, fmt.Errorf("cannot reach the process before this one: %w", err)
	}
	h.in = json.NewDecoder(h.control)
	h.state = sync.OnceValues(h.askState)
	return h, nil
}

// Listener returns the inherited socket of the name, nil if there is none. Closing
// it leaves the path of a unix socket until Serve was called. A socket that was
// closed can be had again; else each can be had once.
func (h *Inheritance) Listener(name string) (net.Listener, error) {
	if h == nil {
		return nil, nil
	}
	for _, s := range h.sockets {
		if s.name != name || s.inUse() {
			continue
		}
		l, err := net.FileListener(s.file)
		if err != nil {
			return nil, fmt.Errorf("cannot use the inherited socket: %w", err)
		}
		s.taken = append(s.taken, l)
		return l, nil
	}
	return nil, nil
}

// inUse reports whether a listener on the socket was taken and is open.
func (s *heirloom) inUse() bool {
	for _, l := range s.taken {
		if conn, ok := l.(syscall.Conn); ok {
			if raw, err := conn.SyscallConn(); err == nil && raw.Control(func(uintptr) {}) == nil {
				return true
			}
		}
	}
	return false
}

// State returns the state of the process before, as it is at the first call; nil
// without one.
func (h *Inheritance) State() ([]byte, error) {
	if h == nil {
		return nil, nil
	}
	return h.state()
}

func (h *Inheritance) askState() ([]byte, error) {
	var m message
	err := json.NewEncoder(h.control).Encode(message{Want: true})
	if err == nil {
		err = h.in.Decode(&m)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot get the state of the process before this one: %w", err)
	}
	return m.State, nil
}

// Serve tells the old process that this one serves, and waits until that gives its
// place away: it accepts no more from then on. Sockets that nobody took are
// closed. An error means that the old process stays or is gone; this one has to
// let what it has accepted end, and go.
func (h *Inheritance) Serve(r Ready) error {
	if h == nil {
		return nil
	}
	defer h.control.Close()
	var m message
	err := json.NewEncoder(h.control).Encode(message{Ready: &r})
	if err == nil {
		err = h.in.Decode(&m)
	}
	if err != nil {
		return fmt.Errorf("the process before this one stays: %w", err)
	}
	for _, s := range h.sockets {
		for _, l := range s.taken {
			unlinkOnClose(l, true)
		}
		if !s.inUse() {
			// As a listener, so that the path of a unix socket goes too.
			if l, err := net.FileListener(s.file); err == nil {
				unlinkOnClose(l, true)
				_ = l.Close()
			}
		}
		_ = s.file.Close()
	}
	h.sockets = nil
	return nil
}
