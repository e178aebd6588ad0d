// Package hotreload tells when a file's content changes, however it is changed,
// hands the bytes over once they have settled, and remembers what became of
// them. It does not know what the bytes mean.
package hotreload

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// ErrStopped is told by [Watcher.Reload] when [Watcher.Run] has returned.
var ErrStopped = errors.New("the watcher has stopped")

// Change is content to be put in force.
type Change struct {
	Data  []byte // belongs to who gets it
	Sum   string // of Data; see [Outcome]
	Cause string
	// Forced says that somebody insisted; see [Watcher.Force].
	Forced bool
}

// Options say what is watched and who is told. Path and Apply are required.
type Options struct {
	Path string

	// Apply puts new content in force, or returns an error and changes nothing.
	// It is called by Run, so never twice at a time, and must not
	// call Reload. A panic counts as an error. Refused content is not offered
	// again until it changes or Reload asks for it.
	Apply func(Change) error

	// Aside does work that may take long, as reading a large file, comparing and
	// applying it do, and returns when it is done. Nil does it right away.
	Aside func(work func())

	// Told is told of every outcome that is remembered, right after it is, from
	// Run; it must not call Reload. Nil tells nobody.
	Told func(Outcome)

	// Notice is told of the watcher's own troubles and of their end, which has a
	// nil error: once each, from Run's goroutine. Nil tells nobody.
	Notice func(msg string, err error)

	// Debounce is for how long the file must be left alone before it is read,
	// 50 ms when 0. A file that is never left alone is read all the same after
	// eleven times that; one that is empty or missing gets ten times that to
	// become something else before that is taken for meant.
	Debounce time.Duration

	// Poll is how often the content is compared without any event, 5 s when 0,
	// never when negative. Where the system gives no events, it is at least
	// once a second.
	Poll time.Duration

	// Now stamps the outcomes; time.Now when nil.
	Now func() time.Time
}

// Watcher watches one file. Its methods may be called from any goroutine.
type Watcher struct {
	opts     Options
	open     func() (*source, error)
	requests chan request
	running  atomic.Bool
	stopped  chan struct{}

	mu         sync.Mutex
	status     Status
	inForce    digest // all zero when nothing is
	refused    digest // all zero when the file's content was not refused
	taken      digest // what Revert has taken back, until other content is in force; all zero for nothing
	takenWhy   error
	unreadable string // why the file has no content; empty when it has
}

// request is something asked of Run.
type request struct {
	do    func() Outcome
	reply chan Outcome // has room for the one answer
}

// New checks the options. A relative path is taken from the present working
// directory. The file need not exist.
func New(opts Options) (*Watcher, error) {
	switch {
	case opts.Path == "":
		return nil, errors.New("cannot watch a file without a path")
	case opts.Apply == nil:
		return nil, errors.New("cannot watch a file with nobody to apply it")
	case opts.Debounce < 0:
		return nil, errors.New("cannot watch a file with a negative debounce")
	}
	path, err := filepath.Abs(opts.Path)
	if err != nil {
		return nil, err
	}
	opts.Path = path
	if opts.Debounce == 0 {
		opts.Debounce = 50 * time.Millisecond
	}
	if opts.Poll == 0 {
		opts.Poll = 5 * time.Second
	}
	if opts.Notice == nil {
		opts.Notice = func(string, error) {}
	}
	if opts.Aside == nil {
		opts.Aside = func(work func()) { work() }
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Watcher{
		opts:     opts,
		open:     openSource,
		requests: make(chan request),
		stopped:  make(chan struct{}),
	}, nil
}

// Seen says what is in force without this watcher's doing, so that a file with
// the same content changes nothing. Call it before Run, which otherwise applies
// the file first thing.
func (w *Watcher) Seen(data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inForce = digestOf(data)
	w.status.InForce = Outcome{At: w.opts.Now(), Cause: CauseStart, Result: Applied, Sum: w.inForce.short()}
	w.status.Last = w.status.InForce
}

// Run watches until ctx ends, and then returns nil. It can be called once.
func (w *Watcher) Run(ctx context.Context) error {
	if !w.running.CompareAndSwap(false, true) {
		return errors.New("cannot run a watcher twice")
	}
	defer close(w.stopped)
	newLoop(w).run(ctx)
	return nil
}

// Reload reads the file now, without waiting for it to settle, and returns what
// became of it. Content that is in force already is not applied again; content
// that was refused is tried again, as what it was refused for may be gone.
// Reload waits for a reload under way, and for Run to begin. When ctx ends
// first, the outcome has that as its error and no result; the reload itself goes
// on if it had begun. Content that [Watcher.Revert] has taken back is refused with
// a [*TakenBackError].
func (w *Watcher) Reload(ctx context.Context, cause string) Outcome {
	return w.ask(ctx, cause, func() Outcome { return w.reload(cause, false) })
}

// Force is Reload that applies content that was taken back, too.
func (w *Watcher) Force(ctx context.Context, cause string) Outcome {
	return w.ask(ctx, cause, func() Outcome { return w.reload(cause, true) })
}

// ask has Run do something and waits for the outcome.
func (w *Watcher) ask(ctx context.Context, cause string, do func() Outcome) Outcome {
	r := request{do: do, reply: make(chan Outcome, 1)}
	select {
	case w.requests <- r:
	case <-w.stopped:
		return Outcome{At: w.opts.Now(), Cause: cause, Err: ErrStopped}
	case <-ctx.Done():
		return Outcome{At: w.opts.Now(), Cause: cause, Err: context.Cause(ctx)}
	}
	select {
	case outcome := <-r.reply:
		return outcome
	case <-ctx.Done():
		return Outcome{At: w.opts.Now(), Cause: cause, Err: context.Cause(ctx)}
	}
}

// Last returns what became of the last reload and of the last successful one.
func (w *Watcher) Last() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}
