package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"
)

// lookEvery is how often a file that is written to is compared with what its
// path leads to.
const lookEvery = time.Second

// fileOutput writes to a file, a pipe or a standard stream. What cannot be
// written is given up.
type fileOutput struct {
	path     string // empty for what was not opened by its path
	standard bool   // a standard stream, not ours to close
	torn     bool   // the file ends within a line
	looked   time.Time

	busy    sync.Mutex // held while writing
	mu      sync.Mutex
	file    *os.File
	next    *os.File // to be written to from the next lines on
	aborted bool
}

func openFileOutput(path string) (*fileOutput, error) {
	f, err := openAccessFile(path)
	if err != nil {
		return nil, err
	}
	return &fileOutput{path: path, file: f}, nil
}

func openAccessFile(path string) (*os.File, error) {
	// Without O_NONBLOCK the opening of a named pipe waits for a reader.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o640)
	if err != nil {
		return nil, fmt.Errorf("cannot open access log: %w", err)
	}
	return f, nil
}

// reopen opens the file anew, after it was moved away; lines go to the new one
// at once, or once the write under way has ended. On an error the old one stays.
func (o *fileOutput) reopen() error {
	if o.path == "" {
		return nil
	}
	f, err := openAccessFile(o.path)
	if err != nil {
		return err
	}
	o.mu.Lock()
	unused := o.next
	if o.aborted {
		unused = f
	} else {
		o.next = f
	}
	o.mu.Unlock()
	if unused != nil {
		_ = unused.Close() // nothing was written to it
	}
	if o.busy.TryLock() {
		o.turn()
		o.busy.Unlock()
	}
	return nil
}

// look opens the file anew if its path leads to another by now, or to none.
func (o *fileOutput) look() error {
	if o.path == "" || time.Since(o.looked) < lookEvery {
		return nil
	}
	o.looked = time.Now()
	there, err := os.Stat(o.path)
	if err == nil {
		ours, err := o.file.Stat()
		if err != nil || os.SameFile(there, ours) {
			return nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := o.reopen(); err != nil {
		return fmt.Errorf("%w; lines go on to the file that was moved away", err)
	}
	return nil
}

// turn goes over to the file that reopen opened.
func (o *fileOutput) turn() {
	o.mu.Lock()
	old := o.next
	if old != nil {
		old, o.file, o.next = o.file, o.next, nil
		o.torn = false
	}
	o.mu.Unlock()
	if old != nil {
		_ = old.Close() // each write to it has told its own errors
	}
}

func (o *fileOutput) write(_ context.Context, lines []byte) (done, lost int, err error) {
	o.busy.Lock()
	defer o.busy.Unlock()
	moved := o.look()
	o.turn()
	if o.torn {
		// Only the line that was cut off is lost then, not the next one with it.
		if _, err := o.file.Write(newline); err != nil {
			return 0, len(lines), err
		}
		o.torn = false
	}
	n, err := o.file.Write(lines)
	if err == nil {
		return len(lines), 0, moved
	}
	done = bytes.LastIndexByte(lines[:n], '\n') + 1
	o.torn = n > done
	return done, len(lines) - done, err
}

func (o *fileOutput) close() error {
	if o.standard {
		return nil
	}
	o.mu.Lock()
	o.aborted = true
	o.mu.Unlock()
	o.busy.Lock()
	defer o.busy.Unlock()
	o.turn()
	if err := o.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// abort ends a write to a pipe that nobody reads.
func (o *fileOutput) abort() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.standard && !o.aborted {
		o.aborted = true
		_ = o.file.Close() // the writer tells what it could not write
	}
}
