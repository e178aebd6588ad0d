package sock

import (
	"io"
	"net"
	"syscall"
)

// Stream reads and writes a connection with fewer and cheaper system calls than
// its own methods: recv and send, without the files' layer of the kernel above
// them, and with [Stream.Ask] a write and the wait for what it brings without the
// read in between that finds nothing yet. Deadlines, Close and everything else
// stay with the connection, and one that has no socket is read and written by its
// own methods.
//
// Reads may run beside writes, but no two reads nor two writes at once; Ask is
// both. Nothing allocates after Init. The zero value is of no use.
type Stream struct {
	c   net.Conn
	raw syscall.RawConn // nil: no socket
	fd  uintptr         // only if it is owned
	own bool            // see Own

	in, out side
	lend    func(waits bool) []byte // of a Serve under way
	took    func(n int) bool        // too
	blocked func()                  // see OnBlockedWrite
	asked   bool                    // the question of an Ask is written
	ask     func(fd uintptr) bool
	serve   func(fd uintptr) bool
	peek    func(fd uintptr)
	tryIn   func(fd uintptr)
	note    func(fd uintptr)
	state   State
	peeked  [1]byte
}

// side is one direction at work.
type side struct {
	p   []byte
	n   int
	err error
	try func(fd uintptr) bool
}

// Init makes s the stream of c. It may have been another's before, which saves
// allocations.
func (s *Stream) Init(c net.Conn) {
	s.c, s.raw, s.own = c, nil, false
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	s.raw = raw
	if s.ask == nil {
		s.in.try, s.out.try, s.ask, s.peek, s.serve = s.receive, s.transmit, s.question, s.look, s.attend
		s.tryIn = func(fd uintptr) { s.receive(fd) }
		s.note = func(fd uintptr) { s.fd = fd }
	}
}

// Own spares most reads and writes the look whether the connection is still open.
// From then on it must be closed only when no method of s runs or will be called;
// who wants to end it sooner calls [Shut]. A write may then succeed
// although its deadline has passed, if it need not wait.
func (s *Stream) Own() {
	if s.raw == nil {
		return
	}
	if known, ok := s.c.(interface{ Descriptor() int }); ok {
		s.fd, s.own = uintptr(known.Descriptor()), true
		return
	}
	s.own = s.raw.Control(s.note) == nil
}

// Shut ends both directions of a connection for all who are at it, and for the peer.
// It may be called from any goroutine, and leaves closing to others.
func Shut(c net.Conn) {
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
			return
		}
	}
	_ = c.Close()
}

// OnBlockedWrite has f called each time that a write is about to wait until the
// peer has read: a deadline may be set then, and before it costs nothing. Later
// calls of Init change nothing about it.
func (s *Stream) OnBlockedWrite(f func()) { s.blocked = f }

// Serve reads, calls took with how many bytes came, and goes on like that for as
// long as took returns true. It reads into memory that is lent: lend(false) is
// called before each attempt and returns where to; lend(true) before waiting, when
// memory that it lent is its own again and a deadline may be set.
//
// After took it waits without a look whether more has come already. No bytes are
// missed by that: to the runtime all of Serve is one read, which remembers that some
// came meanwhile. For the same reason took must not read from s. But where the peer's
// end came together with the bytes before it, only the next Serve or Read sees it.
func (s *Stream) Serve(lend func(waits bool) []byte, took func(n int) (again bool)) error {
	if s.raw == nil {
		for {
			lend(true)
			n, err := s.c.Read(lend(false))
			if n == 0 || !took(n) {
				return err
			}
		}
	}
	s.in.begin(nil)
	s.lend, s.took = lend, took
	_, err := s.in.end(s.raw.Read(s.serve))
	s.lend, s.took = nil, nil
	return err
}

// TryRead is Read that does not wait: where nothing has come, n is 0 and err nil. Of a
// connection without a socket it is known for none.
func (s *Stream) TryRead(p []byte) (n int, err error) {
	if s.raw == nil {
		return 0, nil
	}
	s.in.begin(p)
	return s.in.end(s.raw.Control(s.tryIn))
}

// Forget has s no longer refer to its connection.
func (s *Stream) Forget() { s.c, s.raw, s.own = nil, nil, false }

// Read is as of an [io.Reader].
func (s *Stream) Read(p []byte) (int, error) {
	if s.raw == nil || len(p) == 0 {
		return s.c.Read(p)
	}
	s.in.begin(p)
	return s.in.end(s.raw.Read(s.in.try))
}

// Write is as of an [io.Writer].
func (s *Stream) Write(p []byte) (int, error) {
	if s.raw == nil {
		return s.c.Write(p)
	}
	s.out.begin(p)
	if s.own && s.transmit(s.fd) {
		return s.out.end(nil)
	}
	return s.out.end(s.raw.Write(s.out.try))
}

// Ask writes q and reads what comes then into p. It is for a peer that has been
// silent since the last read: what it had sent before may be read only once more
// has come, or the read deadline has passed and the next read begins. wrote tells
// how much of q was written. If that is all, n and err are of the read; else err
// is of the write.
func (s *Stream) Ask(q, p []byte) (wrote, n int, err error) {
	if s.raw == nil || len(p) == 0 {
		s.asked = true
		if wrote, err = s.c.Write(q); err == nil {
			n, err = s.c.Read(p)
		}
		return wrote, n, err
	}
	s.out.begin(q)
	s.in.begin(p)
	s.asked = false
	err = s.raw.Read(s.ask)
	wrote, failed := s.out.end(nil)
	n, err = s.in.end(err)
	switch {
	case failed != nil:
		return wrote, 0, failed
	case wrote == len(q) || err != nil:
		return wrote, n, err
	}
	// The rest goes when there is room for it.
	rest, err := s.Write(q[wrote:])
	if wrote += rest; err != nil {
		return wrote, 0, err
	}
	n, err = s.Read(p)
	return wrote, n, err
}

// Asked reports whether the last Ask came to write: not if the read deadline had
// passed before.
func (s *Stream) Asked() bool { return s.asked }

func (d *side) begin(p []byte) { d.p, d.n, d.err = p, 0, nil }

func (d *side) end(err error) (int, error) {
	d.p = nil
	if err == nil {
		err = d.err
	}
	return d.n, err
}

// receive, transmit and question report whether they are done, rather than wait
// for the socket.

func (s *Stream) receive(fd uintptr) bool {
	n, errno := recv(fd, s.in.p, 0)
	switch {
	case errno == syscall.EAGAIN:
		return false
	case errno != 0:
		s.in.err = errno
	case n == 0:
		s.in.err = io.EOF
	}
	s.in.n = n
	return true
}

// attend is receive for Serve.
func (s *Stream) attend(fd uintptr) bool {
	for {
		s.in.p = s.lend(false)
		room := len(s.in.p)
		if s.receive(fd) {
			n := s.in.n
			if n == 0 || !s.took(n) {
				return true
			}
			if n == room {
				continue // it may not have been all
			}
		}
		s.lend(true)
		return false
	}
}

func (s *Stream) transmit(fd uintptr) bool {
	for s.out.n < len(s.out.p) {
		n, errno := send(fd, s.out.p[s.out.n:])
		if errno == syscall.EAGAIN {
			if s.blocked != nil {
				s.blocked()
			}
			return false
		}
		if errno != 0 {
			s.out.err = errno
			break
		}
		s.out.n += n
	}
	return true
}

func (s *Stream) question(fd uintptr) bool {
	if s.asked {
		return s.receive(fd)
	}
	s.asked = true
	// Waiting for the answer only if the question is out.
	return !s.transmit(fd) || s.out.err != nil
}
