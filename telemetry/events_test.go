package telemetry

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLogToWhatNobodyReads fills a pipe: who logs is not held up, and once the
// pipe is read, the log says how many lines it lacks.
func TestLogToWhatNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l := NewLog(w)
	pad := strings.Repeat("x", 1000)
	const lines = 2000 // more than the pipe and the queue take
	for range lines {
		l.Info().Str("pad", pad).Msg("m")
	}
	if l.Lost() == 0 {
		t.Fatal("nothing is lost")
	}
	l.Flush(time.Millisecond) // it gives up

	got, lost := 0, uint64(0)
	for s := bufio.NewScanner(r); lost == 0 && s.Scan(); {
		var e struct {
			Message string
			Lines   uint64
		}
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatalf("%v in %s", err, s.Text())
		}
		if e.Message == "m" {
			got++
		}
		lost = e.Lines
	}
	if got+int(lost) != lines || l.Lost() != lost {
		t.Errorf("%d lines came and %d are told to be lost, %d in all, of %d", got, lost, l.Lost(), lines)
	}
	l.Flush(10 * time.Second)
	_ = w.Close()
}

// scarce is a device with room for so many bytes.
type scarce struct {
	mu   sync.Mutex
	room int
	got  bytes.Buffer
}

func (s *scarce) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(p), s.room)
	s.room -= n
	s.got.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func (s *scarce) grow(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room = n
}

// TestLogOnAFullDisk: lines are lost while it is full, and whole again after it.
func TestLogOnAFullDisk(t *testing.T) {
	d := &scarce{room: 15} // one line and half of the next
	var told []uint64
	s := newEventWriter(d, func(lost uint64) { told = append(told, lost) })
	line := func(text string) {
		_, _ = s.Write([]byte(text + "\n"))
		s.flush(10 * time.Second)
	}
	line("123456789")
	line("abcdefghi")
	line("lost")
	d.grow(1 << 10)
	line("again")
	line("and again")
	if got := d.got.String(); got != "123456789\nabcde\nagain\nand again\n" {
		t.Errorf("written %q", got)
	}
	if len(told) != 1 || told[0] != 2 || s.lost != 2 {
		t.Errorf("told %v, lost %d", told, s.lost)
	}
}
