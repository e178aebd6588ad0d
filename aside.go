package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// asides are those at work; guarded by the lock. The first prepares the runtime,
// the last brings it back.
var asides struct {
	sync.Mutex
	running int
	widened bool // to two processors
	percent int  // of GOGC before
}

// deferral is how many times more garbage may be there while somebody is aside.
const deferral = 4

// aside does work that takes a processor for long, as a reload of very many routes
// does, without keeping requests from theirs: on a thread of less weight, and,
// where the runtime uses one processor only, with another meanwhile. The kernel
// shares it out more finely than the runtime would, which looks for what has
// arrived only every 10 ms while it has other things to run. The collector has all
// of a thread's weight and is better left for afterwards, when it shares the
// processor of the requests by small turns; memory that is limited has it come sooner.
func aside(work func()) {
	beginAside()
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked, so that the thread and its weight end with the goroutine.
		runtime.LockOSThread()
		weighLess()
		work()
	}()
	<-done
	endAside()
}

func beginAside() {
	asides.Lock()
	defer asides.Unlock()
	if asides.running++; asides.running > 1 {
		return
	}
	if asides.percent = debug.SetGCPercent(-1); asides.percent > 0 {
		debug.SetGCPercent(asides.percent * deferral)
	}
	if asides.widened = runtime.GOMAXPROCS(0) == 1; asides.widened {
		runtime.GOMAXPROCS(2)
	}
}

func endAside() {
	asides.Lock()
	defer asides.Unlock()
	if asides.running--; asides.running > 0 {
		return
	}
	if asides.widened {
		oneProcessor()
	}
	debug.SetGCPercent(asides.percent)
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
