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

// Every config has the ports, and rules for the names that are asked for.
func TestConfigs(t *testing.T) {
	s := site{
		Dir: t.TempDir(), Port: 18080, AdminPort: 18081, Workers: 3, Origins: []int{19001, 19002}, Many: []weighted{{19003, 7}},
		Unix: "/somewhere/origin.sock", UnixHost: unixHost, ManyHost: manyHost, Log: "/somewhere/access.log", LogSocket: "/somewhere/syslog.sock",
		Hosts: setups[0].hostNames(), Paths: setups[0].pathNames(),
	}
	want := map[string][]string{
		"sluice.json": {
			`"127.0.0.1:18080"`, `"127.0.0.1:18081"`, `"127.0.0.1:19002"`, `"h49.bench.test"`, `"/p19/*"`, turnRoute,
			`"127.0.0.1:19003", "weight": 7`, `"many.bench.test"`, `"unix:/somewhere/origin.sock"`, `"unix.bench.test"`, `"/somewhere/access.log"`,
		},
		"nginx.conf": {
			"listen 127.0.0.1:18080", "server 127.0.0.1:19002", "server_name h49.bench.test;", "location /p19/ ", "worker_processes 3;",
			"server unix:/somewhere/origin.sock;", "server_name unix.bench.test;", "access_log /somewhere/access.log combined",
		},
		"haproxy.cfg": {
			"bind 127.0.0.1:18080", "127.0.0.1:19002", s.Dir + "/routes.map", "nbthread 3", "unix@/somewhere/origin.sock",
			"hdr(host) unix.bench.test", "log /somewhere/syslog.sock",
		},
		"routes.map": {"h00.bench.test/p00/ origin\n", "h49.bench.test/p19/ origin\n"},
		"Caddyfile": {
			"http://:18080 {", "127.0.0.1:19002", "http://h49.bench.test:18080 {", "reverse_proxy /p19/* 127.0.0.1:19001 {",
			"reverse_proxy unix//somewhere/origin.sock {", "http://unix.bench.test:18080 {", "output file /somewhere/access.log {",
		},
	}
	for _, k := range kinds {
		for _, name := range k.configs {
			text := config(t, name, s)
			if len(want[name]) == 0 {
				t.Errorf("%s is not tested", name)
			}
			for _, part := range want[name] {
				if !strings.Contains(text, part) {
					t.Errorf("%s has no %q", name, part)
				}
			}
			s := s
			s.Log, s.LogSocket, s.Many = "", "", nil
			for _, part := range []string{"access.log", "syslog.sock", "option httplog", manyHost} {
				if strings.Contains(config(t, name, s), part) {
					t.Errorf("%s has %q where that is off", name, part)
				}
			}
		}
	}
}

// config returns what is written for a site.
func config(t *testing.T, name string, s site) string {
	t.Helper()
	if err := writeConfig(name, s); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestChooseCases(t *testing.T) {
	all, err := chooseCases("")
	if err != nil || len(all) != len(cases) {
		t.Errorf("all: %d cases, %v", len(all), err)
	}
	three, err := chooseCases("hash,small,setups")
	var got []string
	for _, c := range three {
		got = append(got, c.name)
	}
	if err != nil || strings.Join(got, " ") != "small hash log telemetry metrics twocores" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := chooseCases("small,tiny"); err == nil || !strings.Contains(err.Error(), `"tiny"`) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := chooseCases(quickCases); err != nil {
		t.Error(err)
	}
}

// Every case can be measured, and has a name of its own.
func TestCases(t *testing.T) {
	if len(caseNames()) != len(cases) {
		t.Error("two cases have one name")
	}
	for _, c := range cases {
		if !slices.ContainsFunc(setups, func(s setup) bool { return s.name == c.setup }) {
			t.Errorf("%s: no setup %q", c.name, c.setup)
		}
		ways := 0
		for _, way := range []bool{c.idle, c.open(), c.script != ""} {
			if way {
				ways++
			}
		}
		if c.setup == idleSetup {
			ways++
		}
		if ways != 1 || c.group == "" || c.about == "" || !c.idle && c.bytes == 0 {
			t.Errorf("%+v", c)
		}
	}
	for _, name := range sizeCases {
		if !slices.Contains(caseNames(), name) {
			t.Errorf("no case %s", name)
		}
	}
}

func TestRoutesAreThoseOfTheSetup(t *testing.T) {
	args := routes(setup{hosts: 2, paths: 2})
	if got := strings.Join(args, " "); got != "h00.bench.test,h01.bench.test /p00/items/7?page=2,/p01/items/7?page=2" {
		t.Errorf("got %s", got)
	}
}

func TestScriptsAreThere(t *testing.T) {
	var used []string
	for _, c := range cases {
		if c.script != "" && !slices.Contains(used, c.script) {
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
		if !strings.Contains(string(text), `"   99.9%% %.2fms\n", latency:percentile(99.9)`) {
			t.Errorf("%s does not print p99.9", name)
		}
	}
}

func TestCores(t *testing.T) {
	c := findCores(1, 1)
	if name, args := c.pin(c.proxy, "wrk", []string{"-c1"}); c.pinned || name != "wrk" || len(args) != 1 {
		t.Errorf("one core: %+v runs %s %v", c, name, args)
	}
	if c := findCores(2, 2); c.pinned || c.loadCount != 2 {
		t.Errorf("two cores for two workers: %+v", c)
	}
	c = findCores(4, 1)
	if !c.pinned {
		t.Skip("taskset is not installed")
	}
	name, args := c.pin(c.load, "wrk", []string{"-c1"})
	if got := name + " " + strings.Join(args, " "); got != "taskset -c 1-3 wrk -c1" {
		t.Errorf("four cores: %s", got)
	}
	if c := findCores(4, 2); c.proxy != "0-1" || c.load != "2-3" || c.loadCount != 2 {
		t.Errorf("four cores, two workers: %+v", c)
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
