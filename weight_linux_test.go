package main

import (
	"runtime"
	"syscall"
	"testing"
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
