package telemetry

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

// write is the writer's goroutine. A block is written when it is full, and at the
// latest flushEvery after the first line that waits.
func (a *AccessLog) write() {
	defer close(a.ended)
	timer := time.NewTimer(flushEvery)
	timer.Stop()
	for {
		select {
		case <-a.wake:
			timer.Reset(flushEvery)
		case <-timer.C:
			a.writeBlocks(true)
		case <-a.flush:
			closed := a.turn()
			a.writeBlocks(closed)
			if closed {
				a.closeFile()
				return
			}
		}
	}
}

// turn goes over to the file that Reopen opened, and reports whether the log is
// closed.
func (a *AccessLog) turn() (closed bool) {
	a.mu.Lock()
	var old *os.File
	if a.next != nil {
		old, a.file, a.next = a.file, a.next, nil
		a.torn = false
	}
	closed = a.closed
	a.mu.Unlock()
	if old != nil {
		if err := old.Close(); err != nil {
			a.lose(err)
		}
	}
	return closed
}

// writeBlocks writes what is full and, if partial, what there is of the next
// block. Lines that come meanwhile wait for the next time: chasing them would
// make every line a write of its own.
func (a *AccessLog) writeBlocks(partial bool) {
	for more := true; more; {
		var b []byte
		if b, more = a.queue.take(partial); b == nil {
			return
		}
		a.turn()
		a.writeBlock(b)
		a.queue.release(b)
	}
}

var newline = []byte("\n")

// writeBlock writes b and counts its lines. What cannot be written is given up.
func (a *AccessLog) writeBlock(b []byte) {
	all := bytes.Count(b, newline)
	if a.torn {
		// Only the line that was cut off is lost then, not the next one with it.
		if _, err := a.file.Write(newline); err != nil {
			a.counters.failed.Add(uint64(all))
			a.lose(err)
			return
		}
		a.torn = false
	}
	n, err := a.file.Write(b)
	lost := bytes.Count(b[n:], newline)
	a.counters.lines.Add(uint64(all - lost))
	if err != nil {
		a.torn = n > 0 && b[n-1] != '\n'
		a.counters.failed.Add(uint64(lost))
		a.lose(err)
	}
}

func (a *AccessLog) closeFile() {
	if !a.owned() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.file.Close(); err != nil {
		a.lose(err)
	}
}

// tell is the goroutine that tells of lost lines: the events log may hang on the
// same pipe, so neither requests nor the writer may wait for it.
func (a *AccessLog) tell() {
	for {
		select {
		case why := <-a.losing:
			a.trouble(fmt.Errorf("cannot write access log %s, lines are lost: %w", a.path, why))
		case <-a.ended:
			return
		}
		select {
		case <-time.After(tellEvery):
		case <-a.ended:
			return
		}
	}
}
