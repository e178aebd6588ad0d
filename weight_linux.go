package main

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// niceness is how much less of a processor a reload gets than requests do, where
// there is not enough for both; see setpriority(2).
const niceness = 10

// weighLess gives this thread less weight. Where that is refused all goes on.
func weighLess() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) }

// turn is for how long a thread keeps the processor before another one of this
// process that has become ready may have it.
const turn = 100 * time.Microsecond

// takeShortTurns has the kernel switch between the threads of this process sooner
// than by its own measure of some milliseconds: the collector's, which work on
// after a reload, must not hold up those that serve requests. New threads take
// after those that begin them. Kernels before 6.12 take no notice, and where it is
// refused all goes on.
func takeShortTurns() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		attr, err := unix.SchedGetAttr(id, 0)
		if err != nil || attr.Policy != unix.SCHED_NORMAL {
			continue
		}
		attr.Runtime = uint64(turn)
		_ = unix.SchedSetAttr(id, attr, 0)
	}
}

// beat is how often the metronome wakes.
const beat = 400 * time.Microsecond

// metronome wakes again and again for as long as on is set. The kernel looks whether
// a thread's turn is over when another one wakes, or else by a clock of its own,
// every 4 ms mostly: what works on and wakes nobody keeps the processor for that
// long. It sleeps in the kernel, since a timer of the runtime's waits for the very
// threads that are to be interrupted.
func metronome(on *atomic.Bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pause := unix.NsecToTimespec(beat.Nanoseconds())
	for on.Load() {
		_ = unix.Nanosleep(&pause, nil)
	}
}
