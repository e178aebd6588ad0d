package hotreload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Each edit leads from whatever is there to content.
var edits = map[string]func(t testing.TB, path, content string){
	"rename over": replace,
	"in place":    write,
	"in pieces": func(t testing.TB, path, content string) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		do(t, err)
		for _, b := range []byte(content) {
			_, err = f.Write([]byte{b})
			do(t, err)
		}
		do(t, f.Close())
	},
	"remove and create": func(t testing.TB, path, content string) {
		do(t, os.Remove(path))
		write(t, path, content)
	},
	"rename away and create": func(t testing.TB, path, content string) {
		do(t, os.Rename(path, path+"~"))
		write(t, path, content)
	},
	"rename away and copy back": func(t testing.TB, path, content string) {
		write(t, path, content)
		do(t, os.Rename(path, path+"~"))
		do(t, os.Link(path+"~", path))
		do(t, os.Remove(path+"~"))
	},
	"becomes a link": func(t testing.TB, path, content string) {
		write(t, path+".real", content)
		do(t, os.Remove(path))
		do(t, os.Symlink(filepath.Base(path)+".real", path))
	},
}

func TestEdits(t *testing.T) {
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := watch(t, nil)
			for _, content := range []string{"v1", "v2"} {
				edit(t, r.path, content)
				r.reach(content) // a slow disk may let a half be seen
				if o := r.Reload(t.Context(), "request"); o.Result != Unchanged {
					t.Errorf("outcome %+v", o)
				}
			}
			r.noMore()
		})
	}
}

// Whatever happens in whatever order, what the file says in the end is what is
// in force in the end, by events alone.
func TestRandomEdits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	r := watch(t, func(o *Options) { o.Debounce = 2 * time.Millisecond })
	names := []string{"rename over", "in place", "in pieces", "remove and create", "rename away and create", "becomes a link"}
	for round := range 20 {
		var last string
		for i := range 1 + rng.IntN(6) {
			last = fmt.Sprintf("round %d edit %d", round, i)
			edits[names[rng.IntN(len(names))]](t, r.path, last)
		}
		r.reach(last)
	}
	r.noMore()
}

func TestSameContentChangesNothing(t *testing.T) {
	r := watch(t, nil)
	replace(t, r.path, "v0")
	do(t, os.Chmod(r.path, 0o600))
	if o := r.Reload(t.Context(), "signal"); o.Result != Unchanged || o.Err != nil || o.Cause != "signal" {
		t.Errorf("reload of the same content: %+v", o)
	}
	replace(t, r.path, "v1")
	r.expect("v1")
	r.quiet()
}

func TestBadThenGood(t *testing.T) {
	r := watch(t, nil)
	replace(t, r.path, "bad")
	r.expect("bad")
	// The outcome is recorded after Apply: a reload comes after that.
	if o := r.Reload(t.Context(), "request"); o.Result != Refused || !errors.Is(o.Err, errBad) {
		t.Errorf("asked for, the refused content is tried again: %+v", o)
	}
	r.expect("bad")
	s := r.Last()
	if s.Last.Result != Refused || s.InForce.Sum != digestOf([]byte("v0")).short() || s.Refused != 2 {
		t.Errorf("after a refusal: %+v", s)
	}
	// The same bad content, saved anew, is not tried again.
	replace(t, r.path, "bad")
	replace(t, r.path, "v1")
	r.expect("v1")
	r.Reload(t.Context(), "request")
	s = r.Last()
	want := Status{InForce: s.InForce, Last: s.Last, Applied: 1, Refused: 2, Unchanged: 2}
	if s != want || s.InForce.Sum != digestOf([]byte("v1")).short() || s.InForce.Result != Applied {
		t.Errorf("after the repair: %+v", s)
	}
	r.quiet()
}

// Back to what is in force: nothing to apply, but the refusal is over.
// TestTold: every outcome is told, with what Last says by then.
func TestTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	var results []Result
	var w *Watcher
	w, err := New(Options{Path: path, Notice: func(string, error) {}, Told: func(o Outcome) {
		if w.Last().Last != o {
			t.Errorf("told %v, while Last says %v", o, w.Last().Last)
		}
		results = append(results, o.Result)
	}, Apply: func(c Change) error {
		if string(c.Data) == "bad" {
			return errors.New("bad")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = w.Run(ctx); close(done) }()
	for _, content := range []string{"good", "bad", "good", ""} {
		if content == "" {
			_ = os.Remove(path)
		} else if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		w.Reload(context.Background(), "test")
	}
	cancel()
	<-done
	// Events may have been told between.
	want := []Result{Applied, Refused, Unchanged, Unreadable}
	if !isWithin(want, results) {
		t.Errorf("told %v, want %v in it", results, want)
	}
}

// isWithin reports whether all of want stand in got, in their order.
func isWithin(want, got []Result) bool {
	for _, r := range got {
		if len(want) > 0 && r == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

func TestBadThenBack(t *testing.T) {
	r := watch(t, nil)
	replace(t, r.path, "bad")
	r.expect("bad")
	replace(t, r.path, "v0")
	waitFor(t, func() bool { return r.Last().Last.Result == Unchanged })
	r.quiet()
}

func TestPanicIsARefusal(t *testing.T) {
	r := watch(t, nil)
	replace(t, r.path, "panic")
	r.expect("panic")
	if o := r.Reload(t.Context(), "request"); o.Result != Refused || !strings.Contains(o.Err.Error(), "boom") {
		t.Errorf("outcome of a panic: %+v", o)
	}
	replace(t, r.path, "v1")
	r.reach("v1")
}

func TestStormEndsWithTheLastContent(t *testing.T) {
	r := watch(t, nil)
	began := time.Now()
	for i := range 1000 {
		if i%2 == 0 {
			write(t, r.path, fmt.Sprint("v", i))
		} else {
			replace(t, r.path, fmt.Sprint("v", i))
		}
	}
	took := time.Since(began)
	before := r.reach("v999")
	// Whatever is applied was left alone for one debounce, or is the eleventh.
	if most := int(took/(50*time.Millisecond)) + 1; before > most {
		t.Errorf("1000 edits in %v: %d changes before the last, want at most %d", took, before, most)
	}
	r.noMore()
}

func TestVanishesAndComesBack(t *testing.T) {
	r := watch(t, func(o *Options) { o.Debounce = 5 * time.Millisecond })
	do(t, os.Remove(r.path))
	r.expectNotice("cannot read the file; what is in force stays: open ")
	if s := r.Last(); s.Last.Result != Unreadable || !errors.Is(s.Last.Err, os.ErrNotExist) || s.Last.Sum != "" || s.Unreadable != 1 {
		t.Errorf("without a file: %+v", s)
	}
	if o := r.Reload(t.Context(), "request"); o.Result != Unreadable {
		t.Errorf("reload without a file: %+v", o)
	}
	replace(t, r.path, "v0")
	r.expectNotice("can be read again")
	if s := r.Last(); s.Last.Result != Unchanged {
		t.Errorf("with the file back: %+v", s)
	}
	do(t, os.Remove(r.path))
	r.expectNotice("cannot read")
	replace(t, r.path, "v1")
	r.expect("v1")
	r.expectNotice("can be read again")
	r.quiet()
}

func TestAppliesWhatWasNotSeenBeforeRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, "v1")
	r := newRig(t, path, nil)
	write(t, path, "v2") // after somebody read v0, before Run
	r.run()
	r.expect("v2")
	r.quiet()
}

func TestReloadConcurrentWithEvents(t *testing.T) {
	var under sync.Mutex
	r := watch(t, func(o *Options) {
		apply := o.Apply
		o.Debounce = time.Millisecond
		o.Apply = func(c Change) error {
			if !under.TryLock() {
				t.Error("Apply is called twice at a time")
			}
			defer under.Unlock()
			return apply(c)
		}
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if o := r.Reload(t.Context(), "request"); o.Result == "" || o.At.IsZero() {
					t.Errorf("outcome %+v", o)
				}
				_ = r.Last()
			}
		})
	}
	for i := range 100 {
		replace(t, r.path, fmt.Sprint("v", i+1))
	}
	all.Wait()
	r.reach("v100")
	r.quiet()
}

func TestReloadDoesNotWaitForTheFileToSettle(t *testing.T) {
	r := watch(t, func(o *Options) { o.Debounce = time.Hour })
	replace(t, r.path, "v1")
	if o := r.Reload(t.Context(), "signal"); o.Result != Applied || o.Cause != "signal" {
		t.Errorf("outcome %+v", o)
	}
	if c := r.expect("v1"); c.Cause != "signal" {
		t.Errorf("cause %q", c.Cause)
	}
}

func TestReloadWithoutRun(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "config.json"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o := r.Reload(ctx, "request"); o.Result != "" || !errors.Is(o.Err, context.Canceled) {
		t.Errorf("before Run: %+v", o)
	}
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
	if o := r.Reload(t.Context(), "request"); o.Result != "" || !errors.Is(o.Err, ErrStopped) {
		t.Errorf("after Run: %+v", o)
	}
	if err := r.Run(t.Context()); err == nil {
		t.Error("Run runs twice")
	}
}

func TestReloadWhoseCallerGivesUp(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	r := watch(t, func(o *Options) {
		o.Apply = func(Change) error {
			close(entered)
			<-leave
			return nil
		}
	})
	replace(t, r.path, "v1")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	for _, caller := range []string{"one who began it", "one who waits"} {
		if o := r.Reload(ctx, "request"); o.Result != "" || !errors.Is(o.Err, context.Canceled) {
			t.Errorf("%s: %+v", caller, o)
		}
	}
	close(leave)
	waitFor(t, func() bool { return r.Last().Applied == 1 })
}

func TestWhatIsNotAFile(t *testing.T) {
	for name, c := range map[string]struct {
		make func(path string) error
		says string
	}{
		"directory":  {func(p string) error { return os.Mkdir(p, 0o755) }, "not a regular file"},
		"named pipe": {func(p string) error { return syscall.Mkfifo(p, 0o644) }, "not a regular file"},
		"large":      {func(p string) error { do(t, os.WriteFile(p, nil, 0o644)); return os.Truncate(p, maxSize+1) }, "larger than 64 MiB"},
		"loop":       {func(p string) error { return os.Symlink(filepath.Base(p), p) }, "too many levels"},
	} {
		t.Run(name, func(t *testing.T) {
			r := watch(t, func(o *Options) { o.Debounce = time.Hour })
			do(t, os.Remove(r.path))
			do(t, c.make(r.path))
			o := r.Reload(t.Context(), "request")
			if o.Result != Unreadable || !strings.Contains(fmt.Sprint(o.Err), c.says) {
				t.Errorf("outcome %+v, want an error that says %q", o, c.says)
			}
			r.expectNotice(c.says)
			do(t, os.Remove(r.path))
			replace(t, r.path, "v1")
			if o := r.Reload(t.Context(), "request"); o.Result != Applied {
				t.Errorf("outcome %+v", o)
			}
			r.expectNotice("can be read again")
		})
	}
}

func TestPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("nothing is unreadable to root")
	}
	r := watch(t, nil)
	do(t, os.Chmod(r.path, 0))
	r.expectNotice("permission denied")
	do(t, os.Chmod(r.path, 0o644))
	r.expectNotice("can be read again")
	r.quiet()
}

func TestNewRefuses(t *testing.T) {
	apply := func(Change) error { return nil }
	for _, o := range []Options{{Apply: apply}, {Path: "x"}, {Path: "x", Apply: apply, Debounce: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v) works", o)
		}
	}
}
