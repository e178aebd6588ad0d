package proxy

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/sock"
)

// tunnelBuffer is small: a tunnel holds two of them for as long as it lives.
const tunnelBuffer = 8 << 10

var tunnelBuffers = sync.Pool{New: func() any { b := make([]byte, tunnelBuffer); return &b }}

// tunnel answers a 101 and copies bytes both ways until both ends have closed,
// or nothing has moved for the idle timeout of the upstream.
func (r *request) tunnel() {
	x := &r.Response
	r.out = appendHead(r.out[:0], 101, x.Phrase)
	r.out = append(r.out, x.Fields.Bytes()...)
	r.out = append(r.out, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"...)
	idle := r.trip.Idle()
	upConn, early := r.trip.Take()
	r.out = append(r.out, early...)
	if !r.send(r.out) {
		r.endTrip(true)
		return
	}
	r.Upgraded = true
	r.gen.tunnels.Add(1)
	defer r.gen.tunnels.Add(-1)
	client, sent := r.client.Take()
	t := &tunnel{idle: idle}
	t.touch()
	down := make(chan struct{})
	go func() {
		defer close(down)
		t.copy(&t.out, client, upConn)
	}()
	if len(sent) == 0 || t.write(upConn, sent) == nil {
		t.in.Add(int64(len(sent)))
		t.copy(&t.in, upConn, client)
	} else {
		t.cut(client, upConn)
	}
	<-down
	r.BytesIn, r.BytesOut = t.in.Load(), int64(len(early))+t.out.Load()
	if t.timedOut.Load() {
		r.Reason = exchange.UpstreamIdle
	}
	r.endTrip(false)
}

// tunnel is two directions of bytes that share one idle time.
type tunnel struct {
	idle     time.Duration
	last     atomic.Int64 // unix ns of the last byte either way
	in, out  atomic.Int64
	timedOut atomic.Bool
}

func (t *tunnel) touch() { t.last.Store(time.Now().UnixNano()) }

// copy moves bytes from src to dst. When src ends, dst is told by a half-close
// and the other direction goes on; when anything fails, both are cut off.
func (t *tunnel) copy(n *atomic.Int64, dst, src net.Conn) {
	buf := tunnelBuffers.Get().(*[]byte)
	defer tunnelBuffers.Put(buf)
	for {
		if t.idle > 0 {
			_ = src.SetReadDeadline(time.Unix(0, t.last.Load()).Add(t.idle))
		}
		k, err := src.Read(*buf)
		if k > 0 {
			t.touch()
			if t.write(dst, (*buf)[:k]) != nil {
				t.cut(dst, src)
				return
			}
			n.Add(int64(k))
		}
		switch {
		case err == nil:
		case err == io.EOF:
			if half, ok := dst.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
				t.cut(dst, src)
			}
			return
		case sock.IsTimeout(err) && time.Since(time.Unix(0, t.last.Load())) < t.idle:
			// The other direction was busy meanwhile.
		default:
			t.timedOut.Store(sock.IsTimeout(err))
			t.cut(dst, src)
			return
		}
	}
}

func (t *tunnel) write(dst net.Conn, b []byte) error {
	if t.idle > 0 {
		_ = dst.SetWriteDeadline(time.Now().Add(t.idle))
	}
	_, err := dst.Write(b)
	return err
}

// cut ends both directions at once, whatever they are doing.
func (t *tunnel) cut(a, b net.Conn) {
	_ = a.Close()
	_ = b.Close()
}
