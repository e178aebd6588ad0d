//go:build !linux

package main

// weighLess does nothing: only on Linux have threads a weight of their own.
func weighLess() {}

func takeShortTurns() {}
