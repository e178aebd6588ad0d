package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// work is what the processor has done for a process, in user mode and in the kernel.
type work struct{ cycles, instructions uint64 }

// counters count the work of a process and its descendants. There are none where
// the machine or the kernel has not got them to give.
type counters struct{ cycles, instructions []int } // descriptors, one a thread

// openCounters begins to count. In a virtual machine each switch from one counted
// thread to another takes tens of microseconds more, since that is when the counters
// are set: times of what has more than one thread are not to be compared meanwhile
// with those of what has one.
func openCounters(root int) *counters {
	c := &counters{}
	processes, _ := family(root)
	for _, p := range processes {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", p.pid))
		for _, thread := range threads {
			id, _ := strconv.Atoi(filepath.Base(thread))
			first, err1 := openCounter(id, unix.PERF_COUNT_HW_CPU_CYCLES)
			second, err2 := openCounter(id, unix.PERF_COUNT_HW_INSTRUCTIONS)
			if err1 == nil {
				c.cycles = append(c.cycles, first)
			}
			if err2 == nil {
				c.instructions = append(c.instructions, second)
			}
			if (err1 != nil || err2 != nil) && exists(thread) {
				c.close()
				return c
			}
		}
	}
	return c
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openCounter counts for a thread and those that it will start.
func openCounter(thread int, event uint64) (int, error) {
	return unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_HARDWARE, Config: event, Size: unix.PERF_ATTR_SIZE_VER5,
		Bits: unix.PerfBitInherit,
	}, thread, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

// read returns what was counted since openCounters.
func (c *counters) read() work { return work{sum(c.cycles), sum(c.instructions)} }

func sum(descriptors []int) (all uint64) {
	var value [8]byte
	for _, fd := range descriptors {
		if n, err := unix.Read(fd, value[:]); err == nil && n == len(value) {
			all += binary.NativeEndian.Uint64(value[:])
		}
	}
	return all
}

func (c *counters) close() {
	for _, fd := range append(c.cycles, c.instructions...) {
		_ = unix.Close(fd)
	}
	c.cycles, c.instructions = nil, nil
}
