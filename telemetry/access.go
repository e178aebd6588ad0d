package telemetry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

const (
	flushEvery = 100 * time.Millisecond
	tellEvery  = time.Minute
)

// AccessLog writes a line per exchange to a file, a pipe or a standard stream. A
// goroutine of its own writes, in batches; when it falls behind by more than
// maxWaiting bytes, or writing fails, lines are lost and counted, and requests go
// on. It is safe for any goroutine.
type AccessLog struct {
	path     string
	counters *accessCounters
	trouble  func(error)
	queue    queue

	wake   chan struct{} // lines wait, and none did before
	flush  chan struct{} // a block is full, or the file or closed changed
	losing chan error    // why lines are being lost
	ended  chan struct{} // closed when the writer has ended
	torn   bool          // the file ends within a line; the writer's own

	mu     sync.Mutex
	file   *os.File
	next   *os.File // to be written to from the next batch on
	closed bool
}

// OpenAccess opens the log at path: stdout, stderr, off, or a file's path, made if
// it is not there. Lines are counted in m. trouble is told why lines are lost when
// that begins and once a minute while it lasts, from a goroutine that may block.
// The caller closes the log. A write to a closed pipe on stdout kills the process
// unless it ignores SIGPIPE.
func OpenAccess(path string, m *Metrics, trouble func(error)) (*AccessLog, error) {
	f, err := openAccessFile(path)
	if err != nil {
		return nil, err
	}
	return newAccess(path, f, m, trouble), nil
}

func newAccess(path string, f *os.File, m *Metrics, trouble func(error)) *AccessLog {
	a := &AccessLog{
		path:     path,
		counters: &m.access,
		trouble:  trouble,
		wake:     make(chan struct{}, 1),
		flush:    make(chan struct{}, 1),
		losing:   make(chan error, 1),
		ended:    make(chan struct{}),
		file:     f,
	}
	if f == nil {
		close(a.ended)
		return a
	}
	go a.write()
	go a.tell()
	return a
}

// openAccessFile returns nil for off.
func openAccessFile(path string) (*os.File, error) {
	switch path {
	case "off":
		return nil, nil
	case "stdout":
		return os.Stdout, nil
	case "stderr":
		return os.Stderr, nil
	}
	// Without O_NONBLOCK the opening of a named pipe waits for a reader.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o640)
	if err != nil {
		return nil, fmt.Errorf("cannot open access log: %w", err)
	}
	return f, nil
}

// Path returns what the log was opened with: where it is the same in another
// version of the config, the log can be taken over.
func (a *AccessLog) Path() string { return a.path }

var lines = sync.Pool{New: func() any { return new([]byte) }}

// Write logs an exchange that has ended, and keeps nothing of it. x.Head must be
// nil where no head was read. It neither blocks nor allocates.
func (a *AccessLog) Write(x *exchange.Exchange) {
	if a.path == "off" {
		return
	}
	line := lines.Get().(*[]byte)
	*line = appendLine((*line)[:0], x)
	switch a.queue.put(*line) {
	case first:
		signal(a.wake)
	case filled:
		signal(a.flush)
	case behind:
		a.counters.behind.Add(1)
		a.lose(errBehind)
	case ended:
		a.counters.failed.Add(1)
	}
	lines.Put(line)
}

var errBehind = errors.New("the writer is behind")

func (a *AccessLog) lose(why error) {
	select {
	case a.losing <- why:
	default:
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Reopen opens the file anew, after it was moved away; lines go to the new one
// from the next batch on, at once if the writer is not held up. On an error the
// log goes on as it was. It does nothing for standard streams.
func (a *AccessLog) Reopen() error {
	if !a.owned() {
		return nil
	}
	f, err := openAccessFile(a.path)
	if err != nil {
		return err
	}
	a.mu.Lock()
	unused := a.next
	if a.closed {
		unused = f
	} else {
		a.next = f
	}
	a.mu.Unlock()
	if unused != nil {
		_ = unused.Close() // nothing was written to it
	}
	signal(a.flush)
	return nil
}

// owned tells that the file is the log's own to close.
func (a *AccessLog) owned() bool {
	return a.path != "off" && a.path != "stdout" && a.path != "stderr"
}

// Close writes what waits and closes the file. Lines that come later are lost and
// counted. When ctx ends first, what still waits is lost, and Close returns an
// error. It may be called again.
func (a *AccessLog) Close(ctx context.Context) error {
	a.queue.close()
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	signal(a.flush)
	select {
	case <-a.ended:
		return nil
	case <-ctx.Done():
	}
	if a.owned() {
		// This ends a write to a pipe that nobody reads.
		a.mu.Lock()
		_ = a.file.Close() // the writer reports what it could not write
		a.mu.Unlock()
	}
	return fmt.Errorf("cannot flush access log %s: %w", a.path, ctx.Err())
}
