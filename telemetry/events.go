package telemetry

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// maxUnwritten bounds the lines of the events log that wait to be written.
const maxUnwritten = 1 << 20

// eventWriter takes the lines of the events log and writes them from a goroutine of its
// own, as they come: what logs may be a request, and must not wait for a pipe that
// nobody reads or a terminal that is stopped. Lines over maxUnwritten bytes, and
// those that cannot be written, are lost and counted. It is safe for any goroutine.
type eventWriter struct {
	out io.Writer
	// tell logs how many lines were lost, through this writer.
	tell func(lost uint64)

	mu      sync.Mutex
	came    sync.Cond // lines wait
	waiting []byte
	writing bool
	idle    chan struct{} // closed when all is written; nil while nobody waits for that
	lost    uint64        // in all
	told    uint64        // of those lost

	torn bool // the output ends within a line; run's own
}

func newEventWriter(out io.Writer, tell func(lost uint64)) *eventWriter {
	s := &eventWriter{out: out, tell: tell}
	s.came.L = &s.mu
	go s.run()
	return s
}

// Write implements io.Writer; p is one line. It neither fails nor waits.
func (s *eventWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting)+len(p) > maxUnwritten {
		s.lost++
		return len(p), nil
	}
	s.waiting = append(s.waiting, p...)
	s.came.Signal()
	return len(p), nil
}

func (s *eventWriter) run() {
	var block []byte
	for {
		s.mu.Lock()
		s.writing = false
		if s.idle != nil && len(s.waiting) == 0 {
			close(s.idle)
			s.idle = nil
		}
		for len(s.waiting) == 0 {
			s.came.Wait()
		}
		block, s.waiting = s.waiting, block[:0]
		s.writing = true
		s.mu.Unlock()
		s.write(block)
	}
}

// write writes whole lines, and after it could, tells of those lost before.
func (s *eventWriter) write(block []byte) {
	err := error(nil)
	n := 0
	if s.torn {
		_, err = s.out.Write(newline)
		s.torn = err != nil
	}
	if err == nil {
		n, err = s.out.Write(block)
		s.torn = n > 0 && block[n-1] != '\n'
	}
	s.mu.Lock()
	s.lost += uint64(bytes.Count(block[n:], newline))
	untold := s.lost - s.told
	if err == nil {
		s.told = s.lost
	}
	s.mu.Unlock()
	if err == nil && untold > 0 {
		s.tell(untold)
	}
}

// flush waits until all lines are written or given up, but no longer than limit.
func (s *eventWriter) flush(limit time.Duration) {
	s.mu.Lock()
	if len(s.waiting) == 0 && !s.writing {
		s.mu.Unlock()
		return
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(limit):
	}
}
