package hotreload

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// source is what is needed of fsnotify. Tests put another in its place to
// withhold events.
type source struct {
	events <-chan fsnotify.Event
	errors <-chan error
	add    func(path string) error
	remove func(path string) error
	close  func() error // also closes both channels
}

// openSource asks the system for events.
func openSource() (*source, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &source{events: w.Events, errors: w.Errors, add: w.Add, remove: w.Remove, close: w.Close}, nil
}

// watches keeps a source directed at whatever a path leads over at present. Its
// methods are the loop's, save hear.
type watches struct {
	open func() (*source, error)
	wake chan struct{} // holds one token when something happened to the path

	src     *source                // nil while there is none
	hearing sync.WaitGroup         // the goroutine in hear
	held    map[string]os.FileInfo // what is watched, and which file that was

	mu    sync.Mutex
	names map[string]struct{} // whose events matter
	stale map[string]struct{} // whose watch may have gone with the file it was for
	lost  bool                // events are missing: all watches are stale
	ended bool                // the source will tell nothing more
}

func newWatches(open func() (*source, error)) *watches {
	return &watches{open: open, wake: make(chan struct{}, 1)}
}

// direct brings the watches in line with where path leads now. What changes
// after it returned is heard of, what changed before may not be: read the file
// afterwards. An error says that events may not come at all.
func (w *watches) direct(path string) error {
	w.mu.Lock()
	ended := w.ended
	w.mu.Unlock()
	if ended {
		w.shut()
	}
	if w.src == nil {
		if err := w.start(); err != nil {
			return err
		}
	}
	// A link or directory may be replaced between the look and the watch, so
	// look again until nothing is new. The slow poll makes up for the rest.
	for range 4 {
		t := follow(path)
		w.mu.Lock()
		w.names = t.names
		w.mu.Unlock()
		if changed, err := w.hold(t.watch); err != nil || !changed {
			return err
		}
	}
	return nil
}

// start opens the source and begins to hear it.
func (w *watches) start() error {
	src, err := w.open()
	if err != nil {
		return err
	}
	w.src = src
	w.held = map[string]os.FileInfo{}
	w.mu.Lock()
	w.stale, w.lost, w.ended = nil, false, false
	w.mu.Unlock()
	w.hearing.Go(func() { w.hear(src) })
	return nil
}

// shut closes the source, if there is one.
func (w *watches) shut() {
	if w.src == nil {
		return
	}
	_ = w.src.close()
	w.hearing.Wait()
	w.src = nil
}

// hold watches exactly the places wanted and reports whether it had to begin
// with any. A place that does not exist is left out: what is missing is wanted
// by its directory's watch.
func (w *watches) hold(want map[string]struct{}) (changed bool, err error) {
	w.forgetStale()
	for place := range w.held {
		if _, ok := want[place]; !ok {
			w.drop(place)
		}
	}
	for place := range want {
		info, statErr := os.Lstat(place)
		if statErr != nil {
			w.drop(place)
			continue
		}
		if was, ok := w.held[place]; ok && os.SameFile(was, info) {
			continue
		}
		w.drop(place)
		switch addErr := w.src.add(place); {
		case addErr == nil:
			w.held[place] = info
			changed = true
		case errors.Is(addErr, fs.ErrNotExist):
		case errors.Is(addErr, fs.ErrPermission) && !info.IsDir():
			// The directory's watch tells when that changes; who reads the file will complain.
		default:
			err = addErr
		}
	}
	return changed, err
}

// forgetStale drops the watches that may no longer be there. An inode number
// alone does not tell: a new file may get that of the one deleted.
func (w *watches) forgetStale() {
	w.mu.Lock()
	stale, lost := w.stale, w.lost
	w.stale, w.lost = nil, false
	w.mu.Unlock()
	for place := range w.held {
		if _, ok := stale[place]; ok || lost {
			w.drop(place)
		}
	}
}

// drop ends the watch of place, if there is one.
func (w *watches) drop(place string) {
	if _, ok := w.held[place]; ok {
		delete(w.held, place)
		// It may have ended by itself, with the file.
		_ = w.src.remove(place)
	}
}

// hear takes what src tells until src ends. It has a goroutine of its own: add
// and remove can wait for a reader of the channels.
func (w *watches) hear(src *source) {
	errs := src.errors
	for {
		select {
		case event, ok := <-src.events:
			if !ok {
				w.note(func() { w.ended = true })
				return
			}
			w.event(event)
		case _, ok := <-errs:
			if !ok {
				errs = nil
				continue
			}
			// An overflow or worse: there is no knowing what was missed.
			w.note(func() { w.lost = true })
		}
	}
}

// event keeps what the loop has to know of one event. A directory has other
// files too: their events end here.
func (w *watches) event(event fsnotify.Event) {
	name := filepath.Clean(event.Name)
	w.mu.Lock()
	_, matters := w.names[name]
	w.mu.Unlock()
	if !matters {
		return
	}
	w.note(func() {
		if event.Has(fsnotify.Create | fsnotify.Remove | fsnotify.Rename) {
			if w.stale == nil {
				w.stale = map[string]struct{}{}
			}
			w.stale[name] = struct{}{}
		}
	})
}

// note changes what hear and the loop share, and wakes the loop.
func (w *watches) note(change func()) {
	w.mu.Lock()
	change()
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
