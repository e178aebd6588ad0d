package hotreload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// silence is a source that tells only what the test has it tell. It belongs to
// the bubble in which it was made.
type silence struct {
	events chan fsnotify.Event
	errors chan error
	added  atomic.Int64 // watches
	full   atomic.Bool  // no watch can be added
}

func newSilence() *silence {
	return &silence{events: make(chan fsnotify.Event), errors: make(chan error)}
}

func (s *silence) open() (*source, error) {
	return &source{
		events: s.events,
		errors: s.errors,
		add: func(string) error {
			if s.full.Load() {
				return syscall.ENOSPC
			}
			s.added.Add(1)
			return nil
		},
		remove: func(string) error { return nil },
		close:  func() error { close(s.errors); close(s.events); return nil },
	}, nil
}

// bubble runs test with a watcher whose time is synctest's and whose events
// come from s alone. The path is made before: it must not be in the bubble.
func bubble(t *testing.T, adjust func(*Options), test func(t *testing.T, r *rig, s *silence)) {
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, "v0")
	synctest.Test(t, func(t *testing.T) {
		s := newSilence()
		r := newRig(t, path, adjust)
		r.open = s.open
		r.run()
		test(t, r, s)
	})
}

// tell has the source report a write to the file.
func (s *silence) tell(r *rig) { s.events <- fsnotify.Event{Name: r.path, Op: fsnotify.Write} }

// after lets d pass.
func after(d time.Duration) {
	time.Sleep(d) // the bubble's time
	synctest.Wait()
}

// A file mounted alone into a container changes without an event.
func TestPollFindsWhatNoEventTold(t *testing.T) {
	bubble(t, func(o *Options) { o.Poll = 0 }, func(t *testing.T, r *rig, _ *silence) {
		began := time.Now()
		write(t, r.path, "v1")
		if c := r.expect("v1"); c.Cause != CausePoll {
			t.Errorf("cause %q", c.Cause)
		}
		if took := time.Since(began); took > 5*time.Second+100*time.Millisecond {
			t.Errorf("found after %v", took)
		}
		after(time.Minute)
		r.quiet()
	})
}

// What a poll finds is looked at twice before it is believed.
func TestPollWaitsForTheWriter(t *testing.T) {
	bubble(t, func(o *Options) { o.Poll = time.Second }, func(t *testing.T, r *rig, _ *silence) {
		after(980 * time.Millisecond)
		write(t, r.path, "bad half")
		after(40 * time.Millisecond) // polled
		write(t, r.path, "v1")
		r.expect("v1")
		r.quiet()
	})
}

func TestPollCanBeTurnedOff(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig, _ *silence) {
		write(t, r.path, "v1")
		after(24 * time.Hour)
		r.quiet()
	})
}

// The poll also says, once, that the file has gone.
func TestPollOfMissingFile(t *testing.T) {
	bubble(t, func(o *Options) { o.Poll = 0 }, func(t *testing.T, r *rig, _ *silence) {
		do(t, os.Remove(r.path))
		after(time.Hour)
		r.expectNotice("cannot read")
		if s := r.Last(); s.Unreadable != 1 || s.Last.Cause != CausePoll {
			t.Errorf("status %+v", s)
		}
		write(t, r.path, "bad")
		after(time.Hour)
		r.expect("bad")
		r.expectNotice("can be read again")
		r.quiet()
	})
}

func TestReadsOnceTheFileIsLeftAlone(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig, s *silence) {
		for range 5 {
			write(t, r.path, "bad half")
			s.tell(r)
			after(40 * time.Millisecond)
		}
		write(t, r.path, "v1")
		s.tell(r)
		began := time.Now()
		r.expect("v1")
		if took := time.Since(began); took != 50*time.Millisecond {
			t.Errorf("applied %v after the last write", took)
		}
		r.quiet()
	})
}

func TestConstantWritesDoNotStarveIt(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig, s *silence) {
		write(t, r.path, "v1")
		began := time.Now()
		for len(r.changes) == 0 && time.Since(began) < timeout {
			s.tell(r)
			after(10 * time.Millisecond)
		}
		r.expect("v1")
		if took := time.Since(began); took > 560*time.Millisecond {
			t.Errorf("applied %v after the first write", took)
		}
	})
}

// Truncated and then written, or removed and then created, with a pause longer
// than the debounce: what is between is not reported.
func TestNothingIsWaitedOut(t *testing.T) {
	for name, vanish := range map[string]func(path string) error{
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"missing": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, r *rig, s *silence) {
				do(t, vanish(r.path))
				s.tell(r)
				after(300 * time.Millisecond)
				write(t, r.path, "v1")
				s.tell(r)
				began := time.Now()
				r.expect("v1")
				if took := time.Since(began); took > 50*time.Millisecond {
					t.Errorf("applied %v after the write", took)
				}
				r.quiet()
			})
		})
	}
}

// A file that stays empty is offered, once, to be refused with a reason.
func TestEmptyForGood(t *testing.T) {
	bubble(t, func(o *Options) { o.Poll = 0 }, func(t *testing.T, r *rig, s *silence) {
		do(t, os.Truncate(r.path, 0))
		began := time.Now()
		s.tell(r)
		r.expect("")
		if took := time.Since(began); took < 500*time.Millisecond || took > 600*time.Millisecond {
			t.Errorf("offered after %v", took)
		}
		after(time.Minute)
		r.quiet()
	})
}

func TestRefusedContentIsNotTriedAgain(t *testing.T) {
	bubble(t, func(o *Options) { o.Poll = 0 }, func(t *testing.T, r *rig, s *silence) {
		write(t, r.path, "bad")
		s.tell(r)
		r.expect("bad")
		for range 10 {
			s.tell(r)
			after(10 * time.Second)
		}
		r.quiet()
		if s := r.Last(); s.Refused != 1 {
			t.Errorf("%d refusals counted", s.Refused)
		}
	})
}

// A writer slower than the debounce gets refused less and less often, and his
// end is applied; an edit a while later is as fast as ever.
func TestSlowWriterDoesNotFillTheLog(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig, s *silence) {
		for i := range 100 { // 10 s
			write(t, r.path, fmt.Sprint("bad ", i))
			s.tell(r)
			after(100 * time.Millisecond)
		}
		write(t, r.path, "v1")
		s.tell(r)
		if refused := r.reach("v1"); refused > 16 {
			t.Errorf("%d refusals in 10 s", refused)
		}
		after(streak)
		write(t, r.path, "v2")
		s.tell(r)
		began := time.Now()
		r.expect("v2")
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("applied %v after the write", took)
		}
	})
}

func TestOtherFilesEventsAreNotOurs(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig, s *silence) {
		write(t, r.path, "v1")
		s.events <- fsnotify.Event{Name: r.path + ".swp", Op: fsnotify.Create}
		s.events <- fsnotify.Event{Name: filepath.Join(filepath.Dir(r.path), "access.log"), Op: fsnotify.Write}
		after(time.Hour)
		r.quiet()
	})
}

// After an overflow nobody knows what was missed: the file is read and every
// watch made anew.
func TestOverflow(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig, s *silence) {
		before := s.added.Load()
		write(t, r.path, "v1")
		s.errors <- fsnotify.ErrEventOverflow
		r.expect("v1")
		if now := s.added.Load(); now != 2*before {
			t.Errorf("%d watches added before and %d after", before, now-before)
		}
		r.quiet()
	})
}

func TestWithoutEvents(t *testing.T) {
	full := &os.SyscallError{Syscall: "inotify_init1", Err: errors.New("too many open files")}
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, "v0")
	synctest.Test(t, func(t *testing.T) {
		var blocked atomic.Bool
		blocked.Store(true)
		s := newSilence()
		r := newRig(t, path, func(o *Options) { o.Poll = time.Minute })
		r.open = func() (*source, error) {
			if blocked.Load() {
				return nil, full
			}
			return s.open()
		}
		r.run()
		r.expectNotice("cannot watch the file; it is compared every 1s instead: inotify_init1: too many open files")
		after(time.Hour)
		write(t, r.path, "v1")
		began := time.Now()
		if c := r.expect("v1"); c.Cause != CausePoll || time.Since(began) > 1100*time.Millisecond {
			t.Errorf("cause %q after %v", c.Cause, time.Since(began))
		}
		blocked.Store(false)
		r.expectNotice("the file is watched again")
		write(t, r.path, "v2")
		s.tell(r)
		if c := r.expect("v2"); c.Cause != CauseFile {
			t.Errorf("cause %q", c.Cause)
		}
		r.quiet()
	})
}

func TestWatchLimitReached(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig, s *silence) {
		s.full.Store(true)
		s.errors <- fsnotify.ErrEventOverflow // the watches are made anew
		r.expectNotice("no space left on device")
		after(10 * time.Minute)
		write(t, r.path, "v1")
		if c := r.expect("v1"); c.Cause != CausePoll {
			t.Errorf("cause %q", c.Cause)
		}
		s.full.Store(false)
		r.expectNotice("watched again")
		r.quiet()
	})
}

// A file that may not be read may not be watched either. Its directory tells
// when that changes.
func TestFileThatMayNotBeWatched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, "v0")
	synctest.Test(t, func(t *testing.T) {
		s := newSilence()
		r := newRig(t, path, nil)
		r.open = func() (*source, error) {
			src, err := s.open()
			src.add = func(place string) error {
				if place == path {
					return fs.ErrPermission
				}
				return nil
			}
			return src, err
		}
		r.run()
		r.quiet()
		write(t, r.path, "v1")
		s.tell(r)
		r.expect("v1")
	})
}

// A source that dies is replaced, and what happened meanwhile is found.
func TestSourceEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, "v0")
	synctest.Test(t, func(t *testing.T) {
		var sources []*silence
		r := newRig(t, path, nil)
		r.open = func() (*source, error) {
			s := newSilence()
			sources = append(sources, s)
			src, err := s.open()
			if len(sources) == 1 {
				src.close = func() error { return fs.ErrClosed } // the test closes it
			}
			return src, err
		}
		r.run()
		write(t, r.path, "v1")
		close(sources[0].errors)
		close(sources[0].events)
		r.expect("v1")
		write(t, r.path, "v2")
		sources[1].tell(r)
		r.expect("v2")
		r.quiet()
	})
}

func TestOutcome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, "v0")
	synctest.Test(t, func(t *testing.T) {
		s := newSilence()
		start := time.Now()
		r := newRig(t, path, func(o *Options) {
			o.Apply = func(Change) error { time.Sleep(time.Second); return nil }
		})
		r.open = s.open
		r.run()
		after(time.Minute)
		write(t, path, "v1")
		got := r.Reload(context.Background(), "signal")
		want := Outcome{At: start.Add(time.Minute), Cause: "signal", Result: Applied, Took: time.Second, Sum: "3bfc269594ef"}
		if got != want {
			t.Errorf("outcome %+v\nwant %+v", got, want)
		}
		if st := r.Last(); st.InForce != want || st.Last != want {
			t.Errorf("status %+v", st)
		}
		if !strings.HasPrefix(fmt.Sprintf("%x", digestOf([]byte("v1"))), want.Sum) {
			t.Errorf("sum %q is not how the SHA-256 begins", want.Sum)
		}
	})
}
