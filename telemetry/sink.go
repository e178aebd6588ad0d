package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

const (
	flushEvery = 100 * time.Millisecond
	// A sink that is out of order is tried again after firstPause, and then
	// more and more seldom.
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	// quietFor is how long a sink must work without a loss before that is told.
	quietFor = 5 * time.Second
)

// AccessEvent tells that a sink of the access log has come to be in trouble, or
// is no longer. Between these two nothing is told of it.
type AccessEvent struct {
	Sink string
	Err  error  // nil when it works again
	Lost uint64 // lines lost in between
}

// sinkCounters outlive a sink, which a reload may change.
type sinkCounters struct {
	name                  string
	lines, behind, failed atomic.Uint64
	trouble               atomic.Bool
}

func (c *sinkCounters) lost() uint64 { return c.behind.Load() + c.failed.Load() }

// output writes lines to where a sink leads. write and close are called by one
// goroutine.
type output interface {
	// write writes whole lines. Of their bytes, the first done were written and
	// the next lost were given up; it is for the caller to try the rest again.
	// An error may come with all lines done: then it is worth telling. It is
	// an overcome where nothing is amiss any more.
	write(ctx context.Context, lines []byte) (done, lost int, err error)
	// close frees what is held. It writes nothing.
	close() error
	// abort ends a write that hangs; it is called from another goroutine.
	abort()
}

// sink is one place that lines go to: a bounded queue, and a goroutine that
// writes what is in it, in batches. When it falls behind by more than its
// buffer, or writing fails for good, lines are lost and counted.
type sink struct {
	def      config.AccessSink // what it was made of, but for the format
	prefix   []byte            // of a syslog message, up to its time and behind it
	suffix   []byte
	counters *sinkCounters
	queue    queue
	out      output
	tell     func(AccessEvent)
	quiet    time.Duration

	wake    chan struct{} // lines wait, and none did before
	flush   chan struct{} // blocks are full, or something is to be done at once
	losing  chan error    // why lines are lost, or wait
	ended   chan struct{} // closed when the writer has ended
	closing atomic.Bool
	working atomic.Bool     // the last write went well
	ctx     context.Context // ended when what waits is to be given up
	giveUp  context.CancelFunc
}

func newSink(def config.AccessSink, out output, counters *sinkCounters, tell func(AccessEvent)) *sink {
	s := &sink{
		def: def, counters: counters, out: out, tell: tell, quiet: quietFor,
		queue:  queue{blocks: int(def.Buffer / blockSize)},
		wake:   make(chan struct{}, 1),
		flush:  make(chan struct{}, 1),
		losing: make(chan error, 1),
		ended:  make(chan struct{}),
	}
	s.ctx, s.giveUp = context.WithCancel(context.Background())
	return s
}

// start begins the goroutines; close ends them.
func (s *sink) start() {
	go s.write()
	go s.watch()
}

// put takes a line, which it copies. It neither blocks nor allocates while the
// writer keeps up.
func (s *sink) put(head, line []byte) {
	switch s.queue.put(head, line) {
	case first:
		signal(s.wake)
	case filled:
		signal(s.flush)
	case behind:
		s.counters.behind.Add(1)
		s.lose(errBehind)
	case ended:
		s.counters.failed.Add(1)
	}
}

func (s *sink) lose(why error) {
	select {
	case s.losing <- why:
	default:
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// write is the writer's goroutine. Blocks are written when a batch of them is full,
// and at the latest flushEvery after the first line that waits.
func (s *sink) write() {
	defer close(s.ended)
	timer := time.NewTimer(flushEvery)
	timer.Stop()
	for {
		select {
		case <-s.wake:
			timer.Reset(flushEvery)
		case <-timer.C:
			s.writeBlocks(true)
		case <-s.flush:
			closing := s.closing.Load()
			s.writeBlocks(closing)
			if closing {
				if err := s.out.close(); err != nil {
					s.lose(err)
				}
				return
			}
			timer.Reset(flushEvery) // what waits now came when the last of these was full
		}
	}
}

// writeBlocks writes what is full and, if partial, what there is of the next
// block. Lines that come meanwhile wait for the next time: chasing them would
// make every line a write of its own.
func (s *sink) writeBlocks(partial bool) {
	for more := true; more; {
		var b []byte
		if b, more = s.queue.take(partial); b == nil {
			return
		}
		s.deliver(b)
		s.queue.release(b)
	}
}

var newline = []byte("\n")

// deliver writes lines, again and again where the output holds out hope, and
// counts them.
func (s *sink) deliver(lines []byte) {
	pause := firstPause
	for len(lines) > 0 {
		s.working.Store(false) // a write that hangs is no sign of recovery
		done, lost, err := s.out.write(s.ctx, lines)
		s.counters.lines.Add(count(lines[:done]))
		s.counters.failed.Add(count(lines[done : done+lost]))
		lines = lines[done+lost:]
		s.working.Store(err == nil || errors.As(err, new(*overcome)))
		if err != nil {
			s.lose(err)
		}
		switch {
		case done+lost > 0:
			pause = firstPause
		case !s.wait(pause):
			s.counters.failed.Add(count(lines))
			return
		default:
			pause = min(2*pause, maxPause)
		}
	}
}

// overcome is an error that an output has found a way round for good.
type overcome struct{ error }

func (e *overcome) Unwrap() error { return e.error }

func count(lines []byte) uint64 { return uint64(bytes.Count(lines, newline)) }

// wait waits for about d, at random so that many proxies do not come back to
// a sink at once, and reports whether there is still a point in trying.
func (s *sink) wait(d time.Duration) bool {
	select {
	case <-s.ctx.Done():
		return false
	case <-time.After(d/2 + rand.N(d/2)):
		return s.ctx.Err() == nil
	}
}

// watch is the goroutine that tells of trouble: the events log may hang on the
// same pipe as the sink, so neither requests nor the writer may wait for it.
func (s *sink) watch() {
	defer s.counters.trouble.Store(false)
	for {
		before := s.counters.lost()
		select {
		case why := <-s.losing:
			s.counters.trouble.Store(true)
			s.tell(AccessEvent{Sink: s.counters.name, Err: why})
		case <-s.ended:
			return
		}
		if !s.recovers() {
			return
		}
		s.counters.trouble.Store(false)
		s.tell(AccessEvent{Sink: s.counters.name, Lost: s.counters.lost() - before})
	}
}

// recovers waits until nothing has gone wrong for a while, or the end.
func (s *sink) recovers() bool {
	tick := time.NewTicker(s.quiet)
	defer tick.Stop()
	for last := s.counters.lost(); ; {
		select {
		case <-tick.C:
		case <-s.ended:
			return false
		}
		failed := false
		select {
		case <-s.losing:
			failed = true
		default:
		}
		if now := s.counters.lost(); now == last && !failed && s.working.Load() {
			return true
		} else {
			last = now
		}
	}
}

// abortGrace is how long a writer that is to give up may take to notice.
const abortGrace = 250 * time.Millisecond

// close writes what waits and ends the sink. Lines that come later are lost and
// counted. When ctx ends first, what still waits is lost. The error tells how much
// could not be written. It may be called again.
func (s *sink) close(ctx context.Context) error {
	before := s.counters.lost()
	s.queue.close()
	s.closing.Store(true)
	signal(s.flush)
	var why error
	select {
	case <-s.ended:
	case <-ctx.Done():
		why = ctx.Err()
		s.giveUp()
		s.out.abort()
		select {
		case <-s.ended:
		case <-time.After(abortGrace):
			return fmt.Errorf("cannot flush access log %s, which hangs: %w", s.counters.name, why)
		}
	}
	s.giveUp() // frees the context
	switch lost := s.counters.lost() - before; {
	case why != nil:
		return fmt.Errorf("cannot flush access log %s, %d lines are lost: %w", s.counters.name, lost, why)
	case lost > 0:
		return fmt.Errorf("cannot write %d lines at the end of access log %s", lost, s.counters.name)
	}
	return nil
}
