package main

import (
	"runtime"
	"testing"
)

func TestAside(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	t.Setenv("GOMAXPROCS", "1")
	runtime.GOMAXPROCS(1)
	processors := 0
	aside(func() { processors = runtime.GOMAXPROCS(0) })
	if processors != 2 {
		t.Errorf("worked with %d processors, want one besides that of the requests", processors)
	}
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("afterwards there are %d processors, want 1 again", n)
	}
	runtime.GOMAXPROCS(3)
	aside(func() { processors = runtime.GOMAXPROCS(0) })
	if n := runtime.GOMAXPROCS(0); processors != 3 || n != 3 {
		t.Errorf("of 3 processors there are %d and then %d", processors, n)
	}
}
