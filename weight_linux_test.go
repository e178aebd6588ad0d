package main

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAsideWeighsLess(t *testing.T) {
	// The system call, unlike getpriority(2), gives 20 less the niceness.
	weight := func() int {
		n, err := syscall.Getpriority(syscall.PRIO_PROCESS, syscall.Gettid())
		if err != nil {
			t.Error(err)
		}
		return n
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, within := weight(), 0
	aside(func() { within = weight() })
	if want := max(before-niceness, 1); within != want || weight() != before {
		t.Errorf("weighs %d beside and %d afterwards, want %d and %d", within, weight(), want, before)
	}
}

// TestShortTurns: threads take short turns, also those begun afterwards.
func TestShortTurns(t *testing.T) {
	took := func() time.Duration {
		turns := make(chan time.Duration)
		go func() {
			runtime.LockOSThread() // and have the thread end
			attr, err := unix.SchedGetAttr(0, 0)
			if err != nil {
				attr = new(unix.SchedAttr)
			}
			turns <- time.Duration(attr.Runtime)
		}()
		return <-turns
	}
	takeShortTurns()
	first := took()
	if first == 0 {
		t.Skip("this kernel knows no turns")
	}
	if second := took(); first != turn || second != turn {
		t.Errorf("turns of %v and %v, want %v", first, second, turn)
	}
}

func TestMetronomeEnds(t *testing.T) {
	var on atomic.Bool
	on.Store(true)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		metronome(&on)
	}()
	on.Store(false)
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("goes on")
	}
}
