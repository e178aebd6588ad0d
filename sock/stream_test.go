package sock_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

func stream(c net.Conn) *sock.Stream {
	s := new(sock.Stream)
	s.Init(c)
	return s
}

// each runs a test over every kind of connection; the last has no socket.
func each(t *testing.T, f func(t *testing.T, near, far net.Conn)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			near, far := pair(t, network)
			f(t, near, far)
		})
	}
	t.Run("pipe", func(t *testing.T) {
		near, far := net.Pipe()
		t.Cleanup(func() { near.Close(); far.Close() })
		f(t, near, far)
	})
}

func TestStreamReadsAndWrites(t *testing.T) {
	each(t, func(t *testing.T, near, far net.Conn) {
		s := stream(near)
		sent := bytes.Repeat([]byte("0123456789"), 300_000)
		go func() { _, _ = far.Write(sent); _ = far.Close() }()
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("read %d bytes, %v; want the %d sent", len(got), err, len(sent))
		}
	})
	each(t, func(t *testing.T, near, far net.Conn) {
		s := stream(near)
		sent := bytes.Repeat([]byte("0123456789"), 300_000)
		written := make(chan error, 1)
		go func() {
			_, err := s.Write(sent)
			_ = near.Close()
			written <- err
		}()
		got, _ := io.ReadAll(far)
		if err := <-written; err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes arrived, %v; want the %d sent", len(got), err, len(sent))
		}
	})
}

// TestStreamAsks has the far end answer each question once it is whole.
func TestStreamAsks(t *testing.T) {
	for _, length := range []int{1, 5_000_000} {
		each(t, func(t *testing.T, near, far net.Conn) {
			s := stream(near)
			question := bytes.Repeat([]byte("?"), length)
			go func() {
				heard := make([]byte, length)
				for {
					if _, err := io.ReadFull(far, heard); err != nil {
						return
					}
					_, _ = far.Write([]byte("answer"))
				}
			}()
			for range 5 {
				buf := make([]byte, 100)
				wrote, n, err := s.Ask(question, buf)
				if wrote != length || string(buf[:n]) != "answer" || err != nil {
					t.Fatalf("wrote %d, read %q, %v", wrote, buf[:n], err)
				}
			}
		})
	}
}

// TestStreamAsksAPeerThatSpokeFirst: what it said is not lost.
func TestStreamAsksAPeerThatSpokeFirst(t *testing.T) {
	near, far := pair(t, "tcp")
	s := stream(near)
	if _, err := far.Write([]byte("early")); err != nil {
		t.Fatal(err)
	}
	sees(t, stream(near), sock.Bytes)
	go func() {
		_, _ = io.ReadFull(far, make([]byte, 1))
		_, _ = far.Write([]byte("late"))
	}()
	buf := make([]byte, 5)
	if _, n, err := s.Ask([]byte("?"), buf); string(buf[:n]) != "early" || err != nil {
		t.Errorf("read %q, %v; want what came first", buf[:n], err)
	}
}

func TestStreamAsksNobody(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		near, far := pair(t, network)
		s := stream(near)
		_ = near.SetReadDeadline(time.Now().Add(time.Minute))
		_ = far.Close()
		sees(t, stream(near), sock.Closed)
		_, n, err := s.Ask([]byte("?"), make([]byte, 5))
		if n != 0 || err == nil || sock.IsTimeout(err) {
			t.Errorf("%s: read %d, %v; want the end", network, n, err)
		}
	}
}

func TestStreamTimesOut(t *testing.T) {
	each(t, func(t *testing.T, near, far net.Conn) {
		s := stream(near)
		go func() { _, _ = io.Copy(io.Discard, far) }()
		_ = near.SetReadDeadline(time.Now().Add(time.Millisecond))
		wrote, n, err := s.Ask([]byte("?"), make([]byte, 5))
		if n != 0 || !sock.IsTimeout(err) {
			t.Errorf("wrote %d, read %d, %v; want a timeout", wrote, n, err)
		}
		if _, err := s.Read(make([]byte, 5)); !sock.IsTimeout(err) {
			t.Errorf("a read with an expired deadline: %v", err)
		}
		_ = near.SetWriteDeadline(sock.Past)
		if _, err := s.Write([]byte("x")); !sock.IsTimeout(err) {
			t.Errorf("a write with an expired deadline: %v", err)
		}
	})
}

// TestStreamAsksWithAnExpiredDeadline writes nothing, and says so.
func TestStreamAsksWithAnExpiredDeadline(t *testing.T) {
	near, _ := pair(t, "tcp")
	s := stream(near)
	_ = near.SetReadDeadline(sock.Past)
	if wrote, n, err := s.Ask([]byte("?"), make([]byte, 5)); wrote != 0 || n != 0 || !sock.IsTimeout(err) {
		t.Errorf("wrote %d, read %d, %v", wrote, n, err)
	}
}

func TestStreamTellsHowPeersLeave(t *testing.T) {
	near, far := pair(t, "tcp")
	s := stream(near)
	_ = far.(*net.TCPConn).SetLinger(0)
	_ = far.Close()
	if _, err := s.Read(make([]byte, 5)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after a reset: %v", err)
	}
	if _, err := s.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("a write after a reset: %v", err)
	}
	_ = near.Close()
	if _, err := s.Read(make([]byte, 5)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after our own close: %v", err)
	}
	if wrote, _, err := s.Ask([]byte("x"), make([]byte, 5)); wrote != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("a question after our own close: wrote %d, %v", wrote, err)
	}
}

func TestStreamDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	near, far := pair(t, "tcp")
	go func() {
		buf := make([]byte, 10)
		for {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			_, _ = far.Write(buf[:n])
		}
	}()
	s, question, buf := stream(near), []byte("hello"), make([]byte, 10)
	if n := testing.AllocsPerRun(100, func() {
		_, _, _ = s.Ask(question, buf)
		_, _ = s.Write(question)
		_, _ = s.Read(buf)
	}); n != 0 {
		t.Errorf("a question, a write and a read make %v allocations", n)
	}
}

func BenchmarkQuestion(b *testing.B) {
	question, buf := make([]byte, 100), make([]byte, 4096)
	start := func(b *testing.B) net.Conn {
		near, far := pair(b, "tcp")
		go func() {
			p := make([]byte, 4096)
			for {
				n, err := far.Read(p)
				if err != nil {
					return
				}
				_, _ = far.Write(p[:n])
			}
		}()
		return near
	}
	wr := func(b *testing.B, rw io.ReadWriter) {
		for b.Loop() {
			_, _ = rw.Write(question)
			if _, err := rw.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("conn", func(b *testing.B) { wr(b, start(b)) })
	b.Run("stream", func(b *testing.B) { wr(b, stream(start(b))) })
	b.Run("ask", func(b *testing.B) {
		s := stream(start(b))
		for b.Loop() {
			if _, _, err := s.Ask(question, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLook(b *testing.B) {
	near, _ := pair(b, "tcp")
	p := stream(near)
	for b.Loop() {
		p.Look()
	}
}

// TestStreamReadsIntoLentMemory: memory is asked for anew after each wait.
func TestStreamReadsIntoLentMemory(t *testing.T) {
	each(t, func(t *testing.T, near, far net.Conn) {
		s := stream(near)
		var waits int
		var buf []byte
		lend := func(wait bool) []byte {
			if wait {
				if waits++; waits == 1 {
					go func() { _, _ = far.Write([]byte("late")) }()
				}
				buf = nil
				return nil
			}
			buf = make([]byte, 9)
			return buf
		}
		if got, err := serveOnce(s, lend, &buf); got != "late" || err != nil || waits == 0 {
			t.Errorf("read %q, %v after %d waits", got, err, waits)
		}
	})
	near, far := pair(t, "tcp")
	s := stream(near)
	var buf []byte
	got, err := serveOnce(s, func(wait bool) []byte {
		if wait {
			_ = near.SetReadDeadline(time.Now().Add(time.Millisecond))
		}
		buf = make([]byte, 9)
		return buf
	}, &buf)
	if got != "" || !sock.IsTimeout(err) {
		t.Errorf("read %q, %v with a deadline set before the wait; want a timeout", got, err)
	}
	_ = near.SetReadDeadline(time.Time{})
	_ = far.Close()
	if got, err := serveOnce(s, func(bool) []byte { return make([]byte, 9) }, &buf); got != "" || err != io.EOF {
		t.Errorf("read %q, %v of a peer that has left", got, err)
	}
}

// serveOnce has s serve one read into memory that lend leaves in buf.
func serveOnce(s *sock.Stream, lend func(bool) []byte, buf *[]byte) (got string, err error) {
	err = s.Serve(lend, func(n int) bool {
		got = string((*buf)[:n])
		return false
	})
	return got, err
}

// TestStreamServesAll: whatever comes while what came before is served is served
// too, also where it came before that was done, or is more than there is room for.
func TestStreamServesAll(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		near, far := pair(t, network)
		_ = near.SetReadDeadline(time.Now().Add(time.Minute))
		s := stream(near)
		say := func(what string) { _, _ = far.Write([]byte(what)) }
		var all []byte
		buf := make([]byte, 4)
		go say("123")
		err := s.Serve(func(bool) []byte { return buf }, func(n int) bool {
			all = append(all, buf[:n]...)
			switch string(all) {
			case "123":
				say("456")
			case "123456":
				say("789abcdefg")
			case "123456789abcdefg":
				go say("h")
			case "123456789abcdefgh":
				return false
			}
			return true
		})
		if err != nil {
			t.Errorf("%s: served %q, %v", network, all, err)
		}
	}
}

func TestStreamTellsOfBlockedWrites(t *testing.T) {
	near, _ := pair(t, "tcp")
	s := stream(near)
	told := 0
	s.OnBlockedWrite(func() {
		if told++; told == 1 {
			_ = near.SetWriteDeadline(time.Now().Add(time.Millisecond))
		}
	})
	if _, err := s.Write([]byte("little")); err != nil || told != 0 {
		t.Errorf("a write that goes through: %v, told %d times", err, told)
	}
	if _, err := s.Write(make([]byte, 64<<20)); !sock.IsTimeout(err) || told == 0 {
		t.Errorf("a write that nobody reads: %v, told %d times; want a timeout", err, told)
	}
}

// TestOwned: a stream that owns its connection reads and writes as any other, and
// Shut ends it for both ends.
func TestOwned(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			near, far := pair(t, network)
			s := stream(near)
			s.Own()
			buf := make([]byte, 8)
			lend := func(waits bool) []byte { return buf }
			for range 3 { // at once, and waiting
				if _, err := s.Write([]byte("ping")); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(far, buf[:4]); err != nil || string(buf[:4]) != "ping" {
					t.Fatalf("the peer read %q, %v", buf[:4], err)
				}
				go func() { _, _ = far.Write([]byte("pong")) }()
				if got, err := serveOnce(s, lend, &buf); err != nil || got != "pong" {
					t.Fatalf("read %q, %v", got, err)
				}
			}
			if got := s.Look(); got != sock.Quiet {
				t.Errorf("sees %d", got)
			}
			go sock.Shut(near)
			if got, err := serveOnce(s, lend, &buf); got != "" || err != io.EOF {
				t.Errorf("read %q, %v after the end", got, err)
			}
			if n, err := far.Read(buf); n != 0 || err != io.EOF {
				t.Errorf("the peer read %d, %v after the end", n, err)
			}
			if _, err := s.Write([]byte("x")); err == nil {
				t.Error("wrote after the end")
			}
		})
	}
}
