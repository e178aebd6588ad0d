package hotreload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// timeout is for what must happen; it is long for a busy machine's sake.
const timeout = 20 * time.Second

var errBad = errors.New("bad content")

// rig is a watcher at work and what it did. Content that begins with "bad" is
// refused, "panic" panics.
type rig struct {
	*Watcher
	t       testing.TB
	path    string
	changes chan Change // applied or refused, in order
	notices chan string
}

// newRig returns a watcher of path with "v0" in force, not yet running. adjust
// may be nil.
func newRig(t testing.TB, path string, adjust func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, path: path, changes: make(chan Change, 4096), notices: make(chan string, 4096)}
	opts := Options{
		Path: path,
		Poll: -1, // events must do
		Apply: func(c Change) error {
			r.changes <- c
			switch {
			case strings.HasPrefix(string(c.Data), "bad"):
				return errBad
			case string(c.Data) == "panic":
				panic("boom")
			}
			return nil
		},
		Notice: func(msg string, err error) {
			if err != nil {
				msg += ": " + err.Error()
			}
			r.notices <- msg
		},
	}
	if adjust != nil {
		adjust(&opts)
	}
	w, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	w.Seen([]byte("v0"))
	r.Watcher = w
	return r
}

// run starts the watcher, waits until it watches, and stops it when the test
// ends.
func (r *rig) run() *rig {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil {
			r.t.Error(err)
		}
	}()
	r.t.Cleanup(func() { cancel(); <-done })
	r.Reload(ctx, "request")
	return r
}

// watch writes "v0" into a new file and watches it.
func watch(t testing.TB, adjust func(*Options)) *rig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, "v0")
	return newRig(t, path, adjust).run()
}

// expect waits for the next change, which must be want.
func (r *rig) expect(want string) Change {
	r.t.Helper()
	select {
	case c := <-r.changes:
		if string(c.Data) != want {
			r.t.Fatalf("got change %.40q, want %q", c.Data, want)
		}
		return c
	case <-time.After(timeout):
		r.t.Fatalf("no change to %q; last reload: %+v", want, r.Last())
	}
	return Change{}
}

// reach waits for a change to want, whatever comes before it, and returns how
// many did.
func (r *rig) reach(want string) (before int) {
	r.t.Helper()
	deadline := time.After(timeout)
	for ; ; before++ {
		select {
		case c := <-r.changes:
			if string(c.Data) == want {
				return before
			}
		case <-deadline:
			r.t.Fatalf("no change to %.40q; last reload: %+v", want, r.Last())
		}
	}
}

// expectNotice waits for the next notice, which must contain want.
func (r *rig) expectNotice(want string) {
	r.t.Helper()
	select {
	case msg := <-r.notices:
		if !strings.Contains(msg, want) {
			r.t.Fatalf("notice %q, want %q", msg, want)
		}
	case <-time.After(timeout):
		r.t.Fatalf("no notice %q", want)
	}
}

// quiet fails when anything is left that nobody expected.
func (r *rig) quiet() {
	r.t.Helper()
	select {
	case c := <-r.changes:
		r.t.Errorf("unexpected change %.40q, cause %s", c.Data, c.Cause)
	case msg := <-r.notices:
		r.t.Errorf("unexpected notice %q", msg)
	default:
	}
}

// noMore fails when there was a change that nobody expected.
func (r *rig) noMore() {
	r.t.Helper()
	if len(r.changes) > 0 {
		r.t.Errorf("unexpected change %.40q", (<-r.changes).Data)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace writes a new file and renames it over path, as editors do.
func replace(t testing.TB, path, content string) {
	t.Helper()
	write(t, path+".tmp", content)
	do(t, os.Rename(path+".tmp", path))
}

func do(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// waitFor waits for a condition that nothing signals.
func waitFor(t testing.TB, condition func() bool) {
	t.Helper()
	deadline := time.After(timeout)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come to that")
		}
	}
}
