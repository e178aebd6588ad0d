package upstream

import (
	"testing"
	"time"
)

func TestLifespan(t *testing.T) {
	const ms = time.Millisecond
	now := clockStart.Add(time.Hour)
	var l lifespan
	wants := func(when string, idle time.Duration, want bool) {
		t.Helper()
		if got := l.safe(idle, now); got != want {
			t.Errorf("%s: idle for %v is safe: %t, want %t", when, idle, got, want)
		}
	}
	saw := func(times int, idle time.Duration) {
		for range times {
			now = now.Add(voteSpan)
			l.alive(idle, now)
			l.alive(2*idle, now) // too soon to count
		}
	}
	wants("when nothing is known", time.Microsecond, false)
	wants("when nothing is known", 0, false)
	saw(votesNeeded-1, 10*ms)
	wants("seen alive a few times", 10*ms, false)
	saw(1, 8*ms)
	wants("seen alive often enough", 9*ms, true)
	wants("seen alive often enough", 11*ms, false)
	saw(votesNeeded, 100*ms)
	wants("seen alive for longer", 90*ms, true)

	l.died(80*ms, now)
	wants("one was closed", 41*ms, false)
	wants("one was closed", 39*ms, true)
	l.died(90*ms, now)
	wants("another was closed later", 41*ms, false)
	l.died(40*ms, now)
	wants("another was closed sooner", 16*ms, false)
	wants("another was closed sooner", 14*ms, true)
	if cut := l.cutOff(now); cut != 40*ms {
		t.Errorf("the cut-off is %v, want 40ms", cut)
	}
	l.died(5*ms, now)
	wants("another was closed very soon", 0, false)

	now = now.Add(closedMemory + time.Second)
	if cut := l.cutOff(now); cut != 0 {
		t.Errorf("long after the last close the cut-off is %v", cut)
	}
	wants("long after the last close", 4*ms, true)
	wants("long after the last close", 6*ms, false)
	saw(votesNeeded, 40*ms)
	wants("seen alive again", 39*ms, true)
	saw(votesNeeded, 10*time.Second)
	wants("seen alive for long", 6*time.Second, false)
	wants("seen alive for long", 4*time.Second, true)
	l.died(0, now)
	wants("closed at once", 0, false)
}

// TestLifespanForgetsOneBurst: a restart closes all there was, once; an idle timeout
// closes again and again.
func TestLifespanForgetsOneBurst(t *testing.T) {
	const ms = time.Millisecond
	now := clockStart.Add(time.Hour)
	var l lifespan
	remembered := func(when string, after time.Duration, want bool) {
		t.Helper()
		if got := l.cutOff(now.Add(after)) != 0; got != want {
			t.Errorf("%s: %v after the last close it is remembered: %t, want %t", when, after, got, want)
		}
	}
	for range 20 {
		l.died(ms, now)
		now = now.Add(ms)
	}
	remembered("after a burst", firstMemory-ms, true)
	remembered("after a burst", firstMemory+ms, false)
	for range 4 {
		now = now.Add(time.Second)
		l.died(ms, now)
	}
	remembered("after closes again and again", closedMemory-ms, true)
	remembered("after closes again and again", closedMemory+ms, false)
	now = now.Add(closedMemory + time.Second)
	l.died(ms, now)
	remembered("after another burst, long after", firstMemory+ms, false)
}

// TestLookIsSpared: only where a look would hardly tell more than is known.
func TestLookIsSpared(t *testing.T) {
	now := clockStart.Add(time.Hour)
	var l lifespan
	wants := func(when string, idle time.Duration, want bool) {
		t.Helper()
		if got := l.spares(idle, now); got != want {
			t.Errorf("%s: idle for %v spares the look: %t, want %t", when, idle, got, want)
		}
	}
	saw := func(idle time.Duration) {
		for range votesNeeded {
			now = now.Add(voteSpan)
			l.alive(idle, now)
		}
	}
	wants("when nothing is known", 0, false)
	saw(unseen / 2)
	wants("seen alive after half the time", unseen/4, true)
	wants("seen alive after half the time", unseen*3/4, false)
	saw(time.Second)
	wants("seen alive for long", 0, true)
	wants("seen alive for long", unseen-1, true)
	wants("seen alive for long", unseen, false)
	l.died(unseen, now)
	wants("one was closed as soon", 0, false)
	now = now.Add(closedMemory + time.Second)
	saw(time.Second)
	wants("long after", 0, true)
	l.talks.Store(true)
	wants("with bytes that nobody asked for", 0, false)
}
