//go:build !linux

package main

import "sync/atomic"

// weighLess does nothing: only on Linux have threads a weight of their own.
func weighLess() {}

func takeShortTurns() {}

func metronome(*atomic.Bool) {}
