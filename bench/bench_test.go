package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every config has the ports, and rules for the names that mixed.lua asks for.
func TestConfigs(t *testing.T) {
	s := site{
		Dir: t.TempDir(), Port: 18080, AdminPort: 18081, Origins: []int{19001, 19002},
		Hosts: numbered("h%02d.bench.test", hostCount), Paths: numbered("/p%02d", pathCount),
	}
	want := map[string][]string{
		"sluice.json": {`"127.0.0.1:18080"`, `"127.0.0.1:18081"`, `"127.0.0.1:19002"`, `"h49.bench.test"`, `"/p19/*"`},
		"nginx.conf":  {"listen 127.0.0.1:18080", "server 127.0.0.1:19002", "server_name h49.bench.test;", "location /p19/ "},
		"haproxy.cfg": {"bind 127.0.0.1:18080", "127.0.0.1:19002", s.Dir + "/routes.map"},
		"routes.map":  {"h00.bench.test/p00/ origin\n", "h49.bench.test/p19/ origin\n"},
	}
	for _, k := range kinds {
		for _, name := range k.configs {
			if err := writeConfig(name, s); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(s.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if len(want[name]) == 0 {
				t.Errorf("%s is not tested", name)
			}
			for _, part := range want[name] {
				if !strings.Contains(string(text), part) {
					t.Errorf("%s has no %q", name, part)
				}
			}
		}
	}
}

func TestChooseCases(t *testing.T) {
	all, err := chooseCases("")
	if err != nil || len(all) != len(cases) {
		t.Errorf("all: %d cases, %v", len(all), err)
	}
	two, err := chooseCases("hash,small")
	if err != nil || len(two) != 2 || two[0].name != "hash" || two[1].name != "small" {
		t.Errorf("two: %+v, %v", two, err)
	}
	if _, err := chooseCases("small,tiny"); err == nil || !strings.Contains(err.Error(), `"tiny"`) {
		t.Errorf("unknown: %v", err)
	}
}

func TestScriptsAreThere(t *testing.T) {
	var used []string
	for _, c := range cases {
		if c.script != "" {
			used = append(used, c.script)
		}
	}
	there, err := filepath.Glob("*.lua")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(used)
	if !slices.Equal(used, there) {
		t.Errorf("the cases use %v; there are %v", used, there)
	}
	for _, name := range there {
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), "-s bench/"+name+" http://") {
			t.Errorf("%s does not say how to run it by hand (%v)", name, err)
		}
	}
}

func TestCores(t *testing.T) {
	c := findCores(1)
	if name, args := c.pin(c.proxy, "wrk", []string{"-c1"}); c.pinned || name != "wrk" || len(args) != 1 {
		t.Errorf("one core: %+v runs %s %v", c, name, args)
	}
	c = findCores(4)
	if !c.pinned {
		t.Skip("taskset is not installed")
	}
	name, args := c.pin(c.load, "wrk", []string{"-c1"})
	if got := name + " " + strings.Join(args, " "); got != "taskset -c 1-3 wrk -c1" {
		t.Errorf("four cores: %s", got)
	}
}

// Processes end with their descendants.
func TestStopEndsDescendants(t *testing.T) {
	p, err := startProcess(filepath.Join(t.TempDir(), "log"), "sh", []string{"-c", "trap '' TERM; sleep 600 & echo $!; wait"})
	if err != nil {
		t.Skipf("no shell: %v", err)
	}
	processes := []processStat{{}}
	for len(processes) < 2 {
		if processes, err = family(p.pid()); err != nil {
			t.Fatal(err)
		}
	}
	p.stop()
	// A killed process takes a moment to end, and whoever adopts the orphan reaps
	// it in its own time; until then it is a zombie.
	for _, was := range processes {
		for began := time.Now(); ; runtime.Gosched() {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", was.pid))
			if err != nil || strings.Contains(string(stat), ") Z ") {
				break
			}
			if time.Since(began) > 10*time.Second {
				t.Fatalf("still there: %s", stat)
			}
		}
	}
}

func TestFreePortsDiffer(t *testing.T) {
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ports)
	if len(slices.Compact(ports)) != 20 {
		t.Errorf("got %v", ports)
	}
}
