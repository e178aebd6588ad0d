package main

import (
	"os"
	"runtime"
)

// aside does work that takes a processor for long, as a reload of very many routes
// does, without keeping requests from theirs: on a thread of less weight, and,
// where the runtime uses one processor only, with another meanwhile. The kernel
// shares it out more finely than the runtime would, which looks for what has
// arrived only every 10 ms while it has other things to run.
func aside(work func()) {
	if runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
		defer oneProcessor()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked, so that the thread and its weight end with the goroutine.
		runtime.LockOSThread()
		weighLess()
		work()
	}()
	<-done
}

// oneProcessor goes back to one processor: for good if that is what the user said,
// or else to what the machine has, whatever becomes of that.
func oneProcessor() {
	if os.Getenv("GOMAXPROCS") != "" {
		runtime.GOMAXPROCS(1)
		return
	}
	runtime.SetDefaultGOMAXPROCS()
}
