package server

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/sock"
	"github.com/sluiceproxy/sluice/wire"
)

// work is the memory a Conn needs while a goroutine serves it.
type work struct {
	in       *inbound
	settings *Settings
	stream   sock.Stream
	read     sock.Deadline
	write    sock.Deadline
	body     Body
	addr     netip.Addr
	client   []byte // addr as text

	// told is what time it is, for the next thing that has to know; see Tell.
	told time.Time
}

// inbound is the memory for what was read and not used yet.
type inbound struct {
	buf    []byte
	r, w   int // unread bytes are buf[r:w]
	bodyAt int // where the head ends; bytes before it stay until the exchange ends
	head   wire.Head
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

// acquireWork returns the memory to serve raw with, reading size bytes at most.
func acquireWork(raw net.Conn, size int) *work {
	w := workPool.Get().(*work)
	w.in = acquireInbound(size)
	w.stream.Init(raw)
	w.addr = addrOf(raw)
	w.client = appendAddr(w.client[:0], w.addr)
	return w
}

func (w *work) release() {
	inboundPool.Put(w.in)
	w.in, w.settings, w.body.c = nil, nil, nil
	w.read, w.write, w.told = sock.Deadline{}, sock.Deadline{}, time.Time{}
	w.stream.Forget()
	workPool.Put(w)
}

// addrOf returns the address of the peer; the zero Addr for a unix socket.
func addrOf(c net.Conn) netip.Addr {
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
