package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
)

// asides are those at work; guarded by the lock. The first prepares the runtime,
// the last brings it back.
var asides struct {
	sync.Mutex
	running int
	beating *atomic.Bool // ends the metronome; nil where there is none
	percent int          // of GOGC before
}

// deferral is how many times more garbage may be there while somebody is aside.
const deferral = 4

// asideProcessors is how many the runtime has while somebody is aside, where it
// has one otherwise: one for requests, one for the work, one for the metronome, and
// the least with which the collector takes one as its own. With fewer it takes turns
// on those of requests, each longer than the one before, and up to 10 ms in which
// nobody looks for what has arrived.
const asideProcessors = 4

// aside does work that takes a processor for long, as a reload of very many routes
// does, without keeping requests from theirs: on a thread of less weight, and,
// where the runtime uses one processor only, with more meanwhile. The kernel
// shares it out more finely than the runtime would, which looks for what has
// arrived only every 10 ms while it has other things to run; a metronome has it do
// so often enough. What the work leaves behind is collected at its end, under the
// same conditions; memory that is limited has that come sooner.
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
	if runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(asideProcessors)
		asides.beating = new(atomic.Bool)
		asides.beating.Store(true)
		go metronome(asides.beating)
	}
}

func endAside() {
	asides.Lock()
	defer asides.Unlock()
	if asides.running--; asides.running > 0 {
		return
	}
	collect(asides.percent)
	if asides.beating != nil {
		asides.beating.Store(false)
		asides.beating = nil
		oneProcessor()
	}
	debug.SetGCPercent(asides.percent)
}

// collect has garbage collected where it is half of what GOGC allows or more. Left
// alone, the collector would begin with whatever is allocated next and have that
// help, with the one processor that requests need.
func collect(percent int) {
	sizes := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sizes)
	live, all := sizes[0].Value.Uint64(), sizes[1].Value.Uint64()
	if percent > 0 && all > live+live/200*uint64(percent) {
		runtime.GC()
	}
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
