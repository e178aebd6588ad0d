package hotreload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const (
	// blindPoll is how often the file is looked at when no events are to be had.
	blindPoll = time.Second
	// patience is how many debounces a file may take to settle, or to be
	// something rather than nothing.
	patience = 10
	// streak is how close refusals must follow each other to count as one
	// writer's halves; each then doubles the debounce up to slowest.
	streak  = 2 * time.Second
	slowest = time.Second
	// large is how many bytes take long to compare.
	large = 256 << 10
)

// loop is Run's state: what it is waiting for. It belongs to one goroutine.
type loop struct {
	w       *Watcher
	watches *watches
	blind   bool // events may not come

	settle *time.Timer // runs while cause is set
	poll   *time.Timer

	cause  string    // of the change that is settling; empty when there is none
	began  time.Time // when that change was first noticed
	absent time.Time // since when it consists in the file being empty or missing
	polled digest    // what the poll that noticed it found

	refusals  int // in the present streak
	refusedAt time.Time
}

func newLoop(w *Watcher) *loop {
	l := &loop{
		w:       w,
		watches: newWatches(w.open),
		settle:  time.NewTimer(time.Hour),
		poll:    time.NewTimer(time.Hour),
	}
	l.settle.Stop()
	l.poll.Stop()
	return l
}

func (l *loop) run(ctx context.Context) {
	defer l.watches.shut()
	defer l.settle.Stop()
	defer l.poll.Stop()
	// The file may have changed since it was Seen.
	l.cause, l.began = CauseFile, time.Now()
	l.w.opts.Aside(l.settled)
	l.awaitPoll()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.watches.wake:
			l.noticed(CauseFile)
		case <-l.settle.C:
			l.w.opts.Aside(l.settled)
		case <-l.poll.C:
			l.compare()
			l.awaitPoll()
		case r := <-l.w.requests:
			l.look()
			var outcome Outcome
			l.w.opts.Aside(func() { outcome = r.do() })
			r.reply <- outcome
		}
	}
}

// look directs the watches at the file, and tells when that begins or ceases to
// fail.
func (l *loop) look() {
	err := l.watches.direct(l.w.opts.Path)
	blind := err != nil
	if blind == l.blind {
		return
	}
	l.blind = blind
	if blind {
		l.w.opts.Notice(fmt.Sprintf("cannot watch the file; it is compared every %s instead", l.pollEvery()), err)
	} else {
		l.w.opts.Notice("the file is watched again", nil)
	}
	l.awaitPoll()
}

// pollEvery is the time between two polls; negative for never.
func (l *loop) pollEvery() time.Duration {
	every := l.w.opts.Poll
	if l.blind && (every < 0 || every > blindPoll) {
		return blindPoll
	}
	return every
}

func (l *loop) awaitPoll() {
	if every := l.pollEvery(); every >= 0 {
		l.poll.Reset(every)
	} else {
		l.poll.Stop()
	}
}

// noticed starts the wait for a change to settle, or prolongs it.
func (l *loop) noticed(cause string) {
	now := time.Now()
	if l.cause == "" {
		l.began = now
	}
	if l.cause == "" || cause == CauseFile {
		l.cause = cause
	}
	quiet := l.quiet(now)
	latest := l.began.Add(quiet + patience*l.w.opts.Debounce)
	l.settle.Reset(min(quiet, latest.Sub(now)))
}

// quiet is for how long the file must be left alone. A writer who pauses for
// longer than the debounce has his halves refused; waiting longer after each of
// them keeps that from filling the log.
func (l *loop) quiet(now time.Time) time.Duration {
	debounce := l.w.opts.Debounce
	if now.Sub(l.refusedAt) > streak {
		l.refusals = 0
	}
	return min(debounce<<min(l.refusals, 10), max(debounce, slowest))
}

// settled reads the file and applies what is new in it.
func (l *loop) settled() {
	l.look()
	at := l.w.opts.Now()
	if d, err := sum(l.w.opts.Path); !l.w.news(d, err) {
		l.cause, l.absent = "", time.Time{}
		return
	}
	data, err := load(l.w.opts.Path)
	var d digest
	if err == nil {
		d = digestOf(data)
	}
	if !l.w.news(d, err) { // it has changed back meanwhile
		l.cause, l.absent = "", time.Time{}
		return
	}
	if l.unripe(d, len(data), err) {
		l.settle.Reset(l.w.opts.Debounce)
		return
	}
	cause := l.cause
	l.cause, l.absent = "", time.Time{}
	if l.w.take(Outcome{At: at, Cause: cause}, data, err, false).Result == Refused {
		l.refusals++
		l.refusedAt = time.Now()
	} else {
		l.refusals = 0
	}
}

// unripe reports whether what was read looks like half of a change.
func (l *loop) unripe(d digest, size int, err error) bool {
	now := time.Now()
	grace := patience * l.w.opts.Debounce
	if errors.Is(err, fs.ErrNotExist) || err == nil && size == 0 {
		// Truncated to be written, or removed to be created.
		if l.absent.IsZero() {
			l.absent = now
		}
		l.began = now
		return now.Sub(l.absent) < grace
	}
	l.absent = time.Time{}
	// Without events, only a second look tells whether the writer has finished.
	if l.cause == CausePoll && d != l.polled && now.Sub(l.began) < grace {
		l.polled = d
		return true
	}
	return false
}

// compare finds changes of which no event told.
func (l *loop) compare() {
	l.look()
	if l.cause != "" {
		return
	}
	var d digest
	var err error
	compare := func() { d, err = sum(l.w.opts.Path) }
	if info, statErr := os.Stat(l.w.opts.Path); statErr == nil && info.Size() > large {
		l.w.opts.Aside(compare)
	} else {
		compare()
	}
	if l.w.news(d, err) {
		l.polled = d
		l.noticed(CausePoll)
	}
}
