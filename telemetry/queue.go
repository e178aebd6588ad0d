package telemetry

import "sync"

const (
	blockSize = 64 << 10
	// batch is how many full blocks are worth waking the writer for. On one core a
	// write that Go's scheduler is told of has the runtime's monitor thread look
	// after it every 20 µs, and for a millisecond and more after its end: that
	// costs more than ten times the write.
	batch    = 4
	maxSpare = batch + 1
)

// queue holds lines until the writer takes them, in blocks of what one write
// writes. It holds at most blocks blocks besides the one under way, and keeps few
// when it is idle. Safe for any goroutine.
type queue struct {
	blocks int

	mu      sync.Mutex
	current []byte   // being filled
	full    [][]byte // oldest first
	spare   [][]byte
	closed  bool
}

// outcome is what became of a line.
type outcome uint8

const (
	queued outcome = iota
	first          // queued, and the only line there is
	filled         // queued, and enough blocks are full to be written
	behind         // lost: too much waits
	ended          // lost: the queue is closed
)

// put copies head and line, together at most blockSize bytes, to the end of the
// queue. It holds the lock for that copy only and does not allocate while the
// writer keeps up.
func (q *queue) put(head, line []byte) outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ended
	}
	o := queued
	switch {
	case len(q.current)+len(head)+len(line) > blockSize:
		// One block of the bound is the current one.
		if len(q.full) >= q.blocks-1 {
			return behind
		}
		q.full = append(q.full, q.current)
		q.current = q.block()
		// A small queue, in which this would take too much of the bound, has all
		// written at once.
		if len(q.full) >= min(batch, q.blocks/2) {
			o = filled
		}
	case q.current == nil:
		q.current = q.block()
		o = first
	case len(q.current) == 0 && len(q.full) == 0:
		o = first
	}
	q.current = append(append(q.current, head...), line...)
	return o
}

func (q *queue) block() []byte {
	if n := len(q.spare); n > 0 {
		b := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return b
	}
	return make([]byte, 0, blockSize)
}

// take returns the oldest block, or nil, and whether more may wait: the block that
// is being filled comes last, and only if partial. The caller gives a block back
// by release.
func (q *queue) take(partial bool) (b []byte, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.full) > 0 {
		b = q.full[0]
		n := copy(q.full, q.full[1:])
		q.full[n] = nil
		q.full = q.full[:n]
		return b, true
	}
	if !partial || len(q.current) == 0 {
		return nil, false
	}
	b = q.current
	q.current = q.block()
	return b, false
}

func (q *queue) release(b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.spare) < maxSpare {
		q.spare = append(q.spare, b[:0])
	}
}

// close makes the queue take no more lines; those it holds can be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}
