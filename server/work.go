package server

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/wire"
)

// work is the memory a Conn needs while a goroutine serves it.
type work struct {
	c        *Conn
	in       *inbound // nil while a first byte is awaited and memory is short
	spare    *inbound // of a connection before, to be in
	settings *Settings
	stream   sock.Stream
	read     sock.Deadline
	write    sock.Deadline
	body     Body
	addr     netip.Addr
	client   []byte // addr as text

	// told is what time it is, for the next thing that has to know; see Tell.
	told time.Time

	// While the first byte of a request is awaited.
	began time.Time     // when the wait began
	arm   time.Duration // what deadline to set when there is none and nothing has come

	parks bool // when it ends without a request, the connection is parked

	lendTo func(waits bool) []byte // lend, made once
	tookIt func(n int) bool        // took of c

	ctx fasthttp.RequestCtx // of the handler
}

// inbound is the memory for what was read and not used yet.
type inbound struct {
	buf    []byte
	r, w   int // unread bytes are buf[r:w]
	bodyAt int // where the head ends; bytes before it stay until the exchange ends
	head   wire.Head
}

// parse parses the head that the unread bytes begin with, and takes them, if it is
// whole.
func (in *inbound) parse(settings *Settings) (whole bool, err error) {
	n, err := in.head.Parse(in.buf[in.r:in.w], settings.Head)
	if n > 0 {
		in.r += n
		in.bodyAt = in.r
	}
	return n > 0, err
}

// alone reports whether the request whose head was parsed is all that was read, and
// nothing more of it is to be read: no body, and no tunnel.
func (in *inbound) alone() bool {
	return !in.head.WebSocket && in.head.Length == int64(in.w-in.r)
}

// bodyRoom is the space behind the longest head, for the start of the body.
const bodyRoom = 8 << 10

var (
	workPool    = sync.Pool{New: func() any { return new(work) }}
	inboundPool sync.Pool
)

func acquireInbound(size int) *inbound {
	if v := inboundPool.Get(); v != nil {
		in := v.(*inbound)
		if len(in.buf) == size {
			in.r, in.w = 0, 0
			return in
		}
	}
	return &inbound{buf: make([]byte, size)}
}

// acquireWork returns the memory to serve c with.
func acquireWork(c *Conn) *work {
	w := workPool.Get().(*work)
	if w.lendTo == nil {
		w.lendTo = w.lend
		w.tookIt = func(n int) bool { return w.c.took(n) }
		w.stream.OnBlockedWrite(w.armWrite)
	}
	w.c = c
	w.stream.Init(c.Conn)
	w.stream.Own()
	w.ctx.Init2(c, quietLogger{}, true)
	w.told = w.ctx.ConnTime()                   // just now
	if addr := addrOf(c.Conn); addr != w.addr { // else it was the one before's, as of a sidecar's clients
		w.addr = addr
		w.client = appendAddr(w.client[:0], addr)
	}
	return w
}

func (w *work) release() {
	if w.in != nil && !w.c.srv.crowded() {
		w.spare, w.in = w.in, nil
	}
	w.returnInbound()
	w.c, w.settings, w.body.c = nil, nil, nil
	w.read, w.write, w.told = sock.Deadline{}, sock.Deadline{}, time.Time{}
	w.stream.Forget()
	workPool.Put(w)
}

func (w *work) needInbound() {
	if w.in != nil {
		return
	}
	size := w.settings.bufferSize()
	if in := w.spare; in != nil && len(in.buf) == size {
		in.r, in.w = 0, 0
		w.in, w.spare = in, nil
		return
	}
	w.in = acquireInbound(size)
}

func (w *work) returnInbound() {
	if w.in != nil {
		inboundPool.Put(w.in)
		w.in = nil
	}
}

// lend is for [sock.Stream.Serve], while the first byte of a request is awaited.
func (w *work) lend(waits bool) []byte {
	if !waits {
		w.needInbound()
		return w.in.buf[w.in.w:]
	}
	if w.arm > 0 {
		w.read.Reach(w.began, w.arm, w.c.Conn.SetReadDeadline)
		w.arm = 0
		if w.c.state.Load() == stateWoken {
			_ = w.c.Conn.SetReadDeadline(sock.Past) // it may have been set before
		}
	}
	if w.c.srv.crowded() {
		w.returnInbound()
	}
	return nil
}

// armWrite sets a deadline for a write that waits.
func (w *work) armWrite() {
	w.write.Reach(time.Now(), w.settings.WriteTimeout, w.c.Conn.SetWriteDeadline)
}

// reachWrite sees to the deadline of a write that is about to be tried: one that
// is armed may be too early for it, and for others armWrite is in time.
func (w *work) reachWrite() {
	if w.write.Armed() {
		w.write.Reach(w.c.now(), w.settings.WriteTimeout, w.c.Conn.SetWriteDeadline)
	}
}

// addrOf returns the address of the peer; the zero Addr for a unix socket.
func addrOf(c net.Conn) netip.Addr {
	if known, ok := c.(interface{ Peer() netip.AddrPort }); ok {
		return known.Peer().Addr()
	}
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		addr, _ := netip.AddrFromSlice(tcp.IP)
		return addr.Unmap()
	}
	return netip.Addr{}
}

func appendAddr(dst []byte, addr netip.Addr) []byte {
	if !addr.IsValid() {
		return dst
	}
	return addr.AppendTo(dst)
}
