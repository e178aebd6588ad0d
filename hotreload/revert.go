package hotreload

import (
	"context"
	"errors"
	"fmt"
)

// ErrSuperseded is told by [Watcher.Revert] when what it was to replace is no
// longer in force.
var ErrSuperseded = errors.New("other content is in force by now")

// TakenBackError says that content was in force and taken back.
type TakenBackError struct{ Why error }

func (e *TakenBackError) Error() string {
	return fmt.Sprintf("this content was in force and was taken back: %v", e.Why)
}

func (e *TakenBackError) Unwrap() error { return e.Why }

// Revert puts data, which was in force before, in force again in place of the
// content with the given sum, which turned out to be bad. The file stays as it
// is: its content is not applied again until other content was in force, or the
// file was found to have what is in force, or [Watcher.Force] is called. The
// outcome is Reverted with why as its error, or Refused if Apply did not take
// data, or has no result and ErrSuperseded. Like Reload it waits for Run.
func (w *Watcher) Revert(ctx context.Context, sum string, data []byte, cause string, why error) Outcome {
	return w.ask(ctx, cause, func() Outcome { return w.revert(sum, data, cause, why) })
}

func (w *Watcher) revert(sum string, data []byte, cause string, why error) Outcome {
	d := digestOf(data)
	o := Outcome{At: w.opts.Now(), Cause: cause, Sum: d.short(), Result: Reverted, Err: why}
	w.mu.Lock()
	bad := w.inForce
	w.mu.Unlock()
	if bad.short() != sum {
		o.Result, o.Err = "", ErrSuperseded
		return o
	}
	err := w.apply(Change{Data: data, Sum: o.Sum, Cause: cause})
	o.Took = w.opts.Now().Sub(o.At)
	w.mu.Lock()
	if err != nil {
		// The content in force stays, and nothing is known of the file's.
		o.Result, o.Err = Refused, err
	} else {
		w.inForce, w.taken, w.takenWhy = d, bad, why
		w.status.InForce = o
	}
	w.status.count(o.Result)
	w.status.Last = o
	w.mu.Unlock()
	if w.opts.Told != nil {
		w.opts.Told(o)
	}
	return o
}

// TakenBack returns why data is refused unless it is forced; nil if it is not.
func (w *Watcher) TakenBack(data []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken == (digest{}) || digestOf(data) != w.taken {
		return nil
	}
	return &TakenBackError{Why: w.takenWhy}
}
