package hotreload

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

var errWhy = errors.New("it answers 502")

// reverted edits the file from v0 to v1 and takes that back.
func reverted(t *testing.T, r *rig, s *silence) {
	t.Helper()
	write(t, r.path, "v1")
	s.tell(r)
	sum := r.expect("v1").Sum
	synctest.Wait()
	o := r.Revert(t.Context(), sum, []byte("v0"), "guard", errWhy)
	if o.Result != Reverted || !errors.Is(o.Err, errWhy) || o.Sum != digestOf([]byte("v0")).short() {
		t.Fatalf("outcome %+v", o)
	}
	if c := r.expect("v0"); c.Cause != "guard" || c.Forced {
		t.Fatalf("change %+v", c)
	}
	if st := r.Last(); st.InForce != o || st.Last != o || st.Reverted != 1 {
		t.Errorf("status %+v", st)
	}
}

// TestRevert: what was taken back is applied by nobody who does not insist.
func TestRevert(t *testing.T) {
	bubble(t, func(o *Options) { o.Poll = time.Minute }, func(t *testing.T, r *rig, s *silence) {
		reverted(t, r, s)
		refused := func(o Outcome) {
			t.Helper()
			var back *TakenBackError
			if o.Result != Refused || !errors.As(o.Err, &back) || !errors.Is(o.Err, errWhy) {
				t.Errorf("outcome %+v", o)
			}
		}
		after(10 * time.Minute) // polls
		write(t, r.path, "v1")
		s.tell(r)
		after(time.Minute)
		r.quiet()
		refused(r.Reload(t.Context(), "signal"))
		// Nor after a mistake, or after the file was away.
		write(t, r.path, "bad")
		s.tell(r)
		r.expect("bad")
		write(t, r.path, "v1")
		s.tell(r)
		after(time.Minute)
		refused(r.Last().Last)
		do(t, os.Remove(r.path))
		s.tell(r)
		after(time.Minute)
		r.expectNotice("cannot read")
		write(t, r.path, "v1")
		s.tell(r)
		after(time.Minute)
		r.expectNotice("can be read again")
		refused(r.Last().Last)
		r.quiet()
		if err := r.TakenBack([]byte("v1")); !errors.Is(err, errWhy) || r.TakenBack([]byte("v0")) != nil {
			t.Errorf("taken back: %v", err)
		}
		if o := r.Force(t.Context(), "request"); o.Result != Applied {
			t.Errorf("forced: %+v", o)
		}
		if c := r.expect("v1"); !c.Forced {
			t.Errorf("change %+v", c)
		}
		if r.TakenBack([]byte("v1")) != nil {
			t.Error("it is in force and still taken back")
		}
	})
}

// TestRevertedThenOther: other content ends it, and so does the file's having
// what is in force.
func TestRevertedThenOther(t *testing.T) {
	for _, between := range []string{"v2", "v0"} {
		t.Run(between, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, r *rig, s *silence) {
				reverted(t, r, s)
				write(t, r.path, between)
				if between == "v0" {
					if o := r.Reload(t.Context(), "request"); o.Result != Unchanged {
						t.Fatalf("outcome %+v", o)
					}
				} else {
					s.tell(r)
					r.expect(between)
				}
				write(t, r.path, "v1")
				s.tell(r)
				r.expect("v1")
				r.quiet()
			})
		})
	}
}

// TestRevertTooLate: what is not in force is not replaced, and what cannot be
// applied changes nothing.
func TestRevertTooLate(t *testing.T) {
	r := watch(t, nil)
	if o := r.Revert(context.Background(), "0123456789ab", []byte("v1"), "guard", errWhy); o.Result != "" || o.Err != ErrSuperseded {
		t.Errorf("outcome %+v", o)
	}
	sum := r.Last().InForce.Sum
	if o := r.Revert(context.Background(), sum, []byte("bad"), "guard", errWhy); o.Result != Refused || o.Err != errBad {
		t.Errorf("outcome %+v", o)
	}
	r.expect("bad")
	if st := r.Last(); st.InForce.Sum != sum || r.TakenBack([]byte("v0")) != nil {
		t.Errorf("status %+v", st)
	}
	replace(t, r.path, "v1")
	r.expect("v1")
}
