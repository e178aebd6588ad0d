package sock_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/sock"
)

// TestDeadlineIsArmedSeldom counts what a connection that is used steadily costs.
func TestDeadlineIsArmedSeldom(t *testing.T) {
	const d = time.Second
	var (
		l   sock.Deadline
		now = time.Unix(1_000_000, 0)
		at  time.Time
		set int
	)
	for range 1000 { // ten seconds of uses
		l.Reach(now, d, func(to time.Time) error { set++; at = to; return nil })
		if left := at.Sub(now); left < d || left > d+d/4 {
			t.Fatalf("armed to end in %v, want from %v to %v", left, d, d+d/4)
		}
		now = now.Add(10 * time.Millisecond)
	}
	if want := 10 * 4; set > want {
		t.Errorf("armed %d times in 1000 uses over 10 s, want at most %d", set, want)
	}
}

func TestDeadlineFollowsItsLength(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	cases := []struct {
		name   string
		first  time.Duration
		after  time.Duration
		second time.Duration
		arms   bool
	}{
		{"the same at once", time.Second, 0, time.Second, false},
		{"the same a bit later", time.Second, 200 * time.Millisecond, time.Second, false},
		{"the same much later", time.Second, 300 * time.Millisecond, time.Second, true},
		{"a shorter one", time.Minute, 0, time.Second, true},
		{"a longer one", time.Second, 0, time.Minute, true},
		{"one that has passed", time.Second, time.Hour, time.Second, true},
		{"one slightly shorter", time.Second, 0, 1100 * time.Millisecond, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var l sock.Deadline
			l.Reach(now, c.first, func(time.Time) error { return nil })
			armed := false
			l.Reach(now.Add(c.after), c.second, func(time.Time) error { armed = true; return nil })
			if armed != c.arms {
				t.Errorf("armed again: %v, want %v", armed, c.arms)
			}
		})
	}
}

func TestDeadlineZeroRemovesIt(t *testing.T) {
	var l sock.Deadline
	now := time.Unix(1_000_000, 0)
	var calls []time.Time
	set := func(at time.Time) error { calls = append(calls, at); return nil }
	l.Reach(now, 0, set)
	if len(calls) != 0 {
		t.Errorf("no limit on a new connection took %d calls, want none", len(calls))
	}
	l.Reach(now, time.Second, set)
	l.Reach(now, 0, set)
	if len(calls) != 2 || !calls[1].IsZero() {
		t.Errorf("calls %v, want the second to remove the deadline", calls)
	}
	l.Reach(now, 0, set)
	if len(calls) != 2 {
		t.Error("a deadline that is removed already is removed again")
	}
	l.Reach(now, time.Second, set)
	if len(calls) != 3 || calls[2].IsZero() {
		t.Errorf("calls %v, want the third to arm it anew", calls)
	}
}

// TestDeadlineTimesOut reads from a peer that is silent, with each use the
// deadline has been left standing by the one before.
func TestDeadlineTimesOut(t *testing.T) {
	for _, pause := range []time.Duration{0, 100 * time.Millisecond, 240 * time.Millisecond, 260 * time.Millisecond, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			const d = time.Second
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			var l sock.Deadline
			buf := make([]byte, 1)
			for range 5 {
				l.Reach(time.Now(), d, a.SetReadDeadline)
				go func() { _, _ = b.Write([]byte("x")) }()
				if _, err := io.ReadFull(a, buf); err != nil {
					t.Fatal(err)
				}
				time.Sleep(pause)
			}
			begun := time.Now()
			l.Reach(begun, d, a.SetReadDeadline)
			_, err := a.Read(buf)
			if took := time.Since(begun); took < d || took > d+d/4 {
				t.Errorf("timed out after %v, want from %v to %v", took, d, d+d/4)
			}
			if !sock.IsTimeout(err) {
				t.Errorf("%v is not taken for a timeout", err)
			}
		})
	}
}

func TestPastEndsAReadUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		failed := make(chan error)
		go func() {
			_, err := a.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		_ = a.SetReadDeadline(sock.Past)
		if err := <-failed; !sock.IsTimeout(err) {
			t.Errorf("ended with %v, want a timeout", err)
		}
	})
}

func TestIsTimeout(t *testing.T) {
	for _, err := range []error{nil, io.EOF, net.ErrClosed, errors.New("timeout")} {
		if sock.IsTimeout(err) {
			t.Errorf("%v is taken for a timeout", err)
		}
	}
	if !sock.IsTimeout(os.ErrDeadlineExceeded) || !sock.IsTimeout(&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}) {
		t.Error("an expired deadline is not taken for a timeout")
	}
}
