package hotreload

import (
	"crypto/sha256"
	"fmt"
	"runtime/debug"
)

func digestOf(data []byte) digest { return sha256.Sum256(data) }

// news reports whether what was read, content or error, differs from what the
// last reload found.
func (w *Watcher) news(d digest, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
		return err.Error() != w.unreadable
	case w.unreadable != "":
		return true
	case w.refused != digest{}:
		return d != w.refused
	default:
		return d != w.inForce && d != w.taken
	}
}

// reload reads the file for somebody who asked.
func (w *Watcher) reload(cause string, forced bool) Outcome {
	at := w.opts.Now()
	data, err := load(w.opts.Path)
	return w.take(Outcome{At: at, Cause: cause}, data, err, forced)
}

// take makes what was read the content in force, if it can be, and completes
// the outcome, which it remembers.
func (w *Watcher) take(o Outcome, data []byte, err error, forced bool) Outcome {
	var d digest
	if err == nil {
		d = digestOf(data)
		o.Sum = d.short()
	}
	w.mu.Lock()
	inForce, taken, why := w.inForce, w.taken, w.takenWhy
	w.mu.Unlock()
	switch {
	case err != nil:
		o.Result, o.Err = Unreadable, err
	case d == inForce:
		o.Result = Unchanged
	case taken != digest{} && d == taken && !forced:
		o.Result, o.Err = Refused, &TakenBackError{Why: why}
	default:
		o.Result = Applied
		if o.Err = w.apply(Change{Data: data, Sum: o.Sum, Cause: o.Cause, Forced: forced}); o.Err != nil {
			o.Result = Refused
		}
	}
	o.Took = w.opts.Now().Sub(o.At)
	w.remember(o, d)
	if w.opts.Told != nil {
		w.opts.Told(o)
	}
	return o
}

// apply calls Apply and turns a panic into an error: what is in force goes on
// working, whatever an edit does to the code that reads it.
func (w *Watcher) apply(c Change) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot apply the change: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return w.opts.Apply(c)
}

// remember records an outcome and tells when the file begins or ceases to be
// unreadable.
func (w *Watcher) remember(o Outcome, d digest) {
	w.mu.Lock()
	before := w.unreadable
	w.status.count(o.Result)
	w.status.Last = o
	// What was refused before the file went is tried again when it comes back.
	w.refused, w.unreadable = digest{}, ""
	switch o.Result {
	case Applied:
		w.inForce = d
		w.status.InForce = o
		w.taken, w.takenWhy = digest{}, nil
	case Unchanged:
		w.taken, w.takenWhy = digest{}, nil
	case Refused:
		w.refused = d
	case Unreadable:
		w.unreadable = o.Err.Error()
	}
	after := w.unreadable
	w.mu.Unlock()
	switch {
	case after == before:
	case after == "":
		w.opts.Notice("the file can be read again", nil)
	default:
		w.opts.Notice("cannot read the file; what is in force stays", o.Err)
	}
}
