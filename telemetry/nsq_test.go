package telemetry

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// The real nsqd is asked in e2e; here are the answers that one does not give when
// asked to.

// fakeNSQD answers as it is told, in frames. Its answers may be changed while it
// serves.
type fakeNSQD struct {
	net.Listener
	mu     sync.Mutex
	answer string // to MPUB: OK, an error, "silence", or raw bytes after "raw:"
	lines  []string
}

func startFake(t *testing.T, answer string) *fakeNSQD {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeNSQD{Listener: l, answer: answer}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return f
}

func (f *fakeNSQD) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	if _, err := r.Discard(4); err != nil { // the magic
		return
	}
	for {
		command, err := r.ReadString('\n')
		if err != nil {
			return
		}
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		if !f.reply(conn, r, command, body) {
			return
		}
	}
}

func frame(kind int, text string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(text)))
	return append(binary.BigEndian.AppendUint32(b, uint32(kind)), text...)
}

func (f *fakeNSQD) reply(conn net.Conn, r *bufio.Reader, command string, body []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, isRaw := strings.CutPrefix(f.answer, "raw:")
	switch {
	case isRaw:
		_, err := io.WriteString(conn, raw)
		return err == nil
	case command == "IDENTIFY\n":
		_, err := conn.Write(frame(0, "OK"))
		return err == nil
	case f.answer == "silence":
		return true
	case f.answer == "OK":
		for body = body[4:]; len(body) > 0; {
			n := binary.BigEndian.Uint32(body)
			f.lines = append(f.lines, string(body[4:4+n]))
			body = body[4+n:]
		}
		// A heartbeat that nobody asked for, before the answer.
		if _, err := conn.Write(frame(0, "_heartbeat_")); err != nil {
			return false
		}
		if nop, err := r.ReadString('\n'); nop != "NOP\n" || err != nil {
			return false
		}
		_, err := conn.Write(frame(0, "OK"))
		return err == nil
	}
	_, _ = conn.Write(frame(1, f.answer))
	return false
}

func (f *fakeNSQD) set(answer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// got returns how many lines were taken.
func (f *fakeNSQD) got() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.lines)
}

func nsqLog(t *testing.T, told chan AccessEvent, addresses ...string) *AccessLog {
	t.Helper()
	def := parsed(t, fmt.Sprintf(`"sinks": [{ "type": "nsq", "topic": "t", "addresses": [%s] }]`, `"`+strings.Join(addresses, `", "`)+`"`))
	a := openAccess(t, def, NewMetrics(""), func(e AccessEvent) { told <- e })
	a.sinks[0].quiet = 10 * time.Millisecond
	a.sinks[0].out.(*nsqOutput).timeout = 2 * time.Second
	return a
}

// TestNSQFailover: whatever the first nsqd does but take lines, the second gets
// them, and that is told; nothing is lost.
func TestNSQFailover(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"silence", "E_MPUB_FAILED MPUB failed", "raw:HTTP/1.1 400 Bad Request\r\n\r\n", "raw:\x00\x00\x00\x01\x00\x00\x00\x00",
		"raw:\xff\xff\xff\xff\x00\x00\x00\x00", "raw:\x00\x00\x00\x06\x00\x00\x00\x01",
	} {
		first, second := startFake(t, answer), startFake(t, "OK")
		told := make(chan AccessEvent, 100)
		a := nsqLog(t, told, first.Addr().String(), second.Addr().String())
		writeURI(a, "/1")
		eventually(t, "the second has the line", func() bool { return second.got() == 1 })
		if e := <-told; e.Err == nil || !strings.Contains(e.Err.Error(), first.Addr().String()) {
			t.Errorf("%s: told %+v", answer, e)
		}
		// It stays with the second while that works.
		first.set("OK")
		writeURI(a, "/2")
		eventually(t, "the second has both", func() bool { return second.got() == 2 })
		if e := <-told; e.Err != nil || e.Lost != 0 {
			t.Errorf("%s: told %+v", answer, e)
		}
		second.set("E_MPUB_FAILED")
		writeURI(a, "/3")
		eventually(t, "the first has the third", func() bool { return first.got() == 1 })
		closeLog(t, a)
		if c := a.counters(); c.lines.Load() != 3 || c.lost() != 0 {
			t.Errorf("%s: %d lines, %d lost", answer, c.lines.Load(), c.lost())
		}
	}
}

// TestNSQRefusesForGood: what no nsqd would ever take is not tried again, and
// does not stand in the way of what comes after.
func TestNSQRefusesForGood(t *testing.T) {
	f := startFake(t, "E_BAD_BODY MPUB body too big")
	told := make(chan AccessEvent, 100)
	a := nsqLog(t, told, f.Addr().String())
	writeURI(a, "/1")
	eventually(t, "the line is given up", func() bool { return a.counters().failed.Load() == 1 })
	if e := <-told; e.Err == nil || !strings.Contains(e.Err.Error(), "E_BAD_BODY") {
		t.Errorf("told %+v", e)
	}
	f.set("OK")
	writeURI(a, "/2")
	if e := <-told; e.Err != nil || e.Lost != 1 {
		t.Errorf("told %+v", e)
	}
	closeLog(t, a)
	if f.got() != 1 {
		t.Errorf("%d lines have come", f.got())
	}
}
