package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "4711 (a) b (c) S 42 4711 4711 0 -1 4194560 500 600 0 0 123 77 5 6 20 0 1 0 100 1000 200 18446744073709551615\n"
	got, err := parseStat(line)
	want := processStat{pid: 4711, parent: 42, own: 2 * time.Second, reaped: 110 * time.Millisecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "4711", "4711 (a) S 42", "x (a) S 42 1 1 0 -1 0 0 0 0 0 1 1 1 1 20"} {
		if got, err := parseStat(bad); err == nil {
			t.Errorf("%q: got %+v", bad, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	if got := parseSize("Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t  17 kB\nVmRSS:\t 5 kB\n", "VmHWM"); got != 17<<10 {
		t.Errorf("got %d", got)
	}
	if got := parseSize("Name:\tkthread\n", "VmHWM"); got != 0 {
		t.Errorf("a process without memory: got %d", got)
	}
}

// A family is the process and what it has started.
func TestFamilyHasChildren(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Skipf("cannot start a child: %v", err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	found, err := family(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if found[0].pid != os.Getpid() {
		t.Errorf("the first is %+v, not the process itself", found[0])
	}
	for _, p := range found[1:] {
		if p.pid == child.Process.Pid {
			return
		}
	}
	t.Errorf("child %d is not among %+v", child.Process.Pid, found)
}

func TestCPUTimeGrows(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if now, err := cpuTime(os.Getpid()); err != nil || now > before {
			return // this loop is work enough
		}
	}
	t.Error("no CPU time was counted")
}

// A process's own clock is there, and as fine as to count this loop.
func TestCPUClock(t *testing.T) {
	before, ok := cpuClock(os.Getpid())
	if !ok || before <= 0 || before%tick == 0 {
		t.Fatalf("got %v, %v", before, ok)
	}
	if now, ok := cpuClock(os.Getpid()); !ok || now <= before {
		t.Errorf("%v, then %v, %v", before, now, ok)
	}
}

func TestMemory(t *testing.T) {
	resetPeak(os.Getpid())
	now, peak, err := memory(os.Getpid())
	if err != nil || now < 1<<20 || peak < now || peak > 1<<30 {
		t.Errorf("got %d, %d, %v", now, peak, err)
	}
}

func TestUsageOfAnEndedProcess(t *testing.T) {
	child := exec.Command("true")
	if err := child.Run(); err != nil {
		t.Skipf("cannot run a child: %v", err)
	}
	if got, err := cpuTime(child.Process.Pid); err == nil {
		t.Errorf("got %v", got)
	}
}
