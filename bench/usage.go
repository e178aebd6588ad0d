package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of CPU times in /proc/PID/stat: USER_HZ, 100 on every Linux.
const tick = 10 * time.Millisecond

// processStat is what the bench reads of /proc/PID/stat.
type processStat struct {
	pid, parent int
	own         time.Duration // user and system time of all its threads, those that have ended too
	reaped      time.Duration // of children that have ended and were waited for
}

func parseStat(line string) (processStat, error) {
	// The second field is the command in parentheses and may contain anything.
	end := strings.LastIndexByte(line, ')')
	start := strings.IndexByte(line, '(')
	if start < 1 || end < start {
		return processStat{}, fmt.Errorf("cannot read process state %q", line)
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) < 15 {
		return processStat{}, fmt.Errorf("cannot read process state %q", line)
	}
	numbers := make([]int, 0, 6)
	for _, s := range append([]string{strings.TrimSpace(line[:start]), fields[1]}, fields[11:15]...) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return processStat{}, fmt.Errorf("cannot read process state: %w", err)
		}
		numbers = append(numbers, n)
	}
	return processStat{
		pid: numbers[0], parent: numbers[1],
		own:    time.Duration(numbers[2]+numbers[3]) * tick,
		reaped: time.Duration(numbers[4]+numbers[5]) * tick,
	}, nil
}

// family returns the process and all its descendants.
func family(root int) ([]processStat, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]processStat{}
	var found []processStat
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		s, err := parseStat(string(line))
		if err != nil {
			return nil, err
		}
		children[s.parent] = append(children[s.parent], s)
		if s.pid == root {
			found = append(found, s)
		}
	}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].pid]...)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("process %d has ended", root)
	}
	return found, nil
}

// cpuTime is the CPU time that the process and its descendants have used so far.
func cpuTime(root int) (time.Duration, error) {
	processes, err := family(root)
	var sum time.Duration
	for _, p := range processes {
		own := p.own
		if exact, ok := cpuClock(p.pid); ok {
			own = exact
		}
		sum += own + p.reaped
	}
	return sum, err
}

// cpuClock is the time on a process's own clock, which counts nanoseconds where
// /proc/PID/stat has ticks.
func cpuClock(pid int) (time.Duration, bool) {
	// What clock_getcpuclockid(3) works out; 2 is CPUCLOCK_SCHED.
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}

// resetPeak has peakMemory count from now on. Where the kernel does not let it,
// peaks are those since the start.
func resetPeak(root int) {
	processes, _ := family(root)
	for _, p := range processes {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid), []byte("5"), 0)
	}
}

// memory is the sum of the resident sizes of the process and its descendants, and
// of their largest ones, in bytes. Pages that they share count repeatedly.
func memory(root int) (now, peak int64, err error) {
	processes, err := family(root)
	for _, p := range processes {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
		if err != nil {
			continue
		}
		now += parseSize(string(status), "VmRSS")
		peak += parseSize(string(status), "VmHWM")
	}
	return now, peak, err
}

// parseSize finds a size in /proc/PID/status, in bytes; 0 if it is not there.
func parseSize(status, name string) int64 {
	_, rest, _ := strings.Cut(status, "\n"+name+":")
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
