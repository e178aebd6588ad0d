package main

import (
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
)

func TestAside(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	t.Setenv("GOMAXPROCS", "1")
	runtime.GOMAXPROCS(1)
	processors := 0
	aside(func() { processors = runtime.GOMAXPROCS(0) })
	if processors != asideProcessors {
		t.Errorf("worked with %d processors, want %d", processors, asideProcessors)
	}
	if asides.beating != nil {
		t.Error("the metronome goes on")
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

// TestAsideCollects: what the work leaves behind is gone afterwards, if it is much.
func TestAsideCollects(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	collections := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumGC
	}
	kept := make([]byte, 16<<20)
	runtime.GC()
	before := collections()
	aside(func() {})
	if n := collections(); n != before {
		t.Errorf("%d collections after nothing was done", n-before)
	}
	aside(func() {
		for range 24 {
			left = make([]byte, 1<<20)
		}
	})
	if n := collections(); n != before+1 {
		t.Errorf("%d collections after work that left more than is kept, want one", n-before)
	}
	runtime.KeepAlive(kept)
}

var left []byte // so that it is not left on a stack

// TestAsidesOverlap: the last one brings the runtime back to what it was.
func TestAsidesOverlap(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	percent := func() int {
		p := debug.SetGCPercent(-1)
		debug.SetGCPercent(p)
		return p
	}
	inside, end := make(chan int), make(chan struct{})
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			aside(func() {
				inside <- percent()
				<-end
			})
		})
	}
	for range 2 {
		if p := <-inside; p != 100*deferral {
			t.Errorf("GOGC is %d meanwhile, want %d", p, 100*deferral)
		}
	}
	close(end)
	both.Wait()
	if p := percent(); p != 100 {
		t.Errorf("GOGC is %d afterwards, want 100", p)
	}
}
