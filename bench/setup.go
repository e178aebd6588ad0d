package main

import (
	"fmt"
	"path/filepath"
)

// setup is a way in which the origins and the proxies are started.
type setup struct {
	name         string
	workers      int // threads or processes of a proxy, and cores
	log          bool
	traced       bool // Sluice begins a trace for each request
	hosts, paths int  // each path of each host is a route
	targets      int  // of an upstream that is asked for by manyHost
	alone        bool // Sluice without its peers
	turns        int  // a round is so many turns of a second, for what differs little; else one of -duration
	cycles       bool // they are counted too, which is left where it is not needed: see openCounters
}

// The first is the usual one.
var setups = []setup{
	{workers: 1, hosts: 50, paths: 20},
	{name: "log", workers: 1, hosts: 50, paths: 20, log: true},
	{name: "telemetry", workers: 1, hosts: 50, paths: 20, log: true, traced: true},
	{name: "metrics", workers: 1, hosts: 50, paths: 20, alone: true, turns: 10, cycles: true},
	{name: "twocores", workers: 2, hosts: 50, paths: 20},
	{name: idleSetup, workers: 1, hosts: 50, paths: 20},
	{name: "routes10", workers: 1, hosts: 5, paths: 2, alone: true},
	{name: "routes100k", workers: 1, hosts: 1000, paths: 100, alone: true},
	{name: "targets3", workers: 1, hosts: 50, paths: 20, targets: 3, alone: true},
	{name: "targets1000", workers: 1, hosts: 50, paths: 20, targets: 1000, alone: true},
}

// Names that lead to upstreams of their own.
const (
	unixHost = "unix.bench.test"
	manyHost = "many.bench.test"
)

// hashTargets is how many targets the hashed upstream has.
const hashTargets = 4

// has reports whether a kind of proxy is started for s.
func (s setup) has(k kind) bool {
	if k.setup != "" {
		return k.setup == s.name
	}
	return !s.alone || k.name == subject
}

func (s setup) hostNames() []string { return numbered("h%02d.bench.test", s.hosts) }
func (s setup) pathNames() []string { return numbered("/p%02d", s.paths) }

// site is what the configs of all proxies are made from.
type site struct {
	Dir       string // a folder for the proxy's own files
	Ports     []int  // of the kinds of proxies, and as many of their admin interfaces
	Port      int    // the proxy's
	AdminPort int    // Sluice's
	Workers   int
	Origins   []int      // ports
	Many      []weighted // behind manyHost; often none
	Unix      string     // the origin's unix socket
	UnixHost  string
	ManyHost  string
	Log       string // the file of the access log; none if empty
	Traced    bool
	LogSocket string // takes syslog's datagrams, where there is a log
	Hosts     []string
	Paths     []string
}

// weighted is a target.
type weighted struct{ Port, Weight int }

// newSite finds ports and names for a setup; Dir, Port and Log are each proxy's.
func (b *bench) newSite(s setup) (site, error) {
	ports, err := freePorts(hashTargets + 2*len(kinds) + s.targets)
	if err != nil {
		return site{}, fmt.Errorf("cannot find free ports: %w", err)
	}
	origins, ports := ports[:hashTargets], ports[hashTargets:]
	found := site{
		Origins: origins, Ports: ports[:2*len(kinds)], Workers: s.workers,
		Unix: filepath.Join(b.dir, "origin.sock"), UnixHost: unixHost, ManyHost: manyHost,
		Hosts: s.hostNames(), Paths: s.pathNames(), Traced: s.traced,
	}
	for i, port := range ports[2*len(kinds):] {
		found.Many = append(found.Many, weighted{port, 1 + i%3})
	}
	if s.log {
		found.LogSocket = filepath.Join(b.dir, s.name+"-syslog.sock")
	}
	return found, nil
}

// numbered returns count names of a format such as "h%02d".
func numbered(format string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf(format, i)
	}
	return names
}
