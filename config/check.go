package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	maxNameBytes = 128
	maxWeight    = 65535
)

// checker finds what the struct tags cannot say about one config.
type checker struct {
	*report
	config      *Config
	upstreams   []string // names, sorted
	middlewares []string // names, sorted
}

// check notes every problem of c that is not one of syntax or type.
func check(c *Config, r *report) {
	k := checker{
		report: r, config: c,
		upstreams:   slices.Sorted(maps.Keys(c.Upstreams)),
		middlewares: slices.Sorted(maps.Keys(c.Middlewares)),
	}
	k.listeners()
	k.admin()
	k.limits()
	k.guard(path{}.key("guard"), c.Guard)
	k.access()
	k.tracing(path{}.key("tracing"), c.Tracing)
	for _, name := range k.upstreams {
		k.upstream(name, c.Upstreams[name])
	}
	for _, name := range k.middlewares {
		if err := checkName(name); err != nil {
			k.addKey(path{}.key("middlewares").key(name), err.Error())
		}
	}
	k.routes()
	k.tests()
}

// checkName reports what is wrong with a name that logs and metrics carry.
func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the name is empty")
	case len(name) > maxNameBytes:
		return fmt.Errorf("the name is %d bytes long; at most %d are allowed", len(name), maxNameBytes)
	case hasControl(name):
		return fmt.Errorf("the name %q contains a control character", shorten(name))
	}
	return nil
}

// listeners checks the listeners' addresses and the admin's together: no two
// may be the same. Port 0 is a new port each time.
func (k *checker) listeners() {
	all := path{}.key("listeners")
	if len(k.config.Listeners) == 0 {
		k.add(all, "there is no listener; Sluice would accept no request")
	}
	taken := make(map[string]path)
	for i, l := range k.config.Listeners {
		k.listen(all.at(i).key("address"), l.Address, taken)
		if l.DeferAccept && strings.HasPrefix(l.Address, "unix:") {
			k.add(all.at(i).key("defer_accept"), "the connections of a unix socket cannot be deferred")
		}
	}
	if k.config.Admin.Address != "" {
		k.listen(path{}.key("admin").key("address"), k.config.Admin.Address, taken)
	}
}

func (k *checker) listen(p path, address string, taken map[string]path) {
	if err := listenable(address); err != nil {
		k.add(p, "%v", err)
		return
	}
	if _, port, _ := splitAddress(address); port == "0" {
		return
	}
	if first, ok := taken[address]; ok {
		k.add(p, "%q is already the address of %s", address, first[:len(first)-1])
		return
	}
	taken[address] = p
}

func (k *checker) limits() {
	l, p := k.config.Limits, path{}.key("limits")
	if l.HeaderBytes < 1<<10 || l.HeaderBytes > 1<<20 {
		k.add(p.key("header_bytes"), "%s is not between 1KiB and 1MiB", l.HeaderBytes)
	}
	if l.Headers < 1 || l.Headers > 10000 {
		k.add(p.key("headers"), "%d is not between 1 and 10000", l.Headers)
	}
	if l.Connections < 0 {
		k.add(p.key("connections"), "%d is negative; 0 sets no limit", l.Connections)
	}
}

// Bounds of what a guard can judge by.
const (
	minGuardWindow = time.Second
	maxGuardWindow = time.Hour
)

func (k *checker) guard(p path, g *Guard) {
	if g == nil {
		return
	}
	if w := g.Window.D(); w < minGuardWindow || w > maxGuardWindow {
		k.add(p.key("window"), "%s is not between %s and %s", g.Window, Duration(minGuardWindow), Duration(maxGuardWindow))
	}
	if !(g.MaxRise > 0 && g.MaxRise < 1) {
		k.add(p.key("max_rise"), "%v is no share that failures could rise by; above 0 and below 1", g.MaxRise)
	}
	if g.MinRequests < 1 {
		k.add(p.key("min_requests"), "%d is too few to judge by; the least is 1", g.MinRequests)
	}
}

// maxRetryAttempts is as many targets as one request keeps track of.
const maxRetryAttempts = 8

func (k *checker) upstream(name string, u Upstream) {
	p := path{}.key("upstreams").key(name)
	if err := checkName(name); err != nil {
		k.addKey(p, err.Error())
	}
	if err := checkUpstreamHost(u.Host); err != nil {
		k.add(p.key("host"), "%v", err)
	}
	k.hash(p, u)
	k.targets(p.key("targets"), u.Targets)
	k.retry(p.key("retry"), u.Retry)
	k.health(p.key("health"), u.Health)
	if u.Connections.Max < 1 {
		k.add(p.key("connections").key("max"), "%d allows no connection; the least is 1", u.Connections.Max)
	}
	if u.Connections.Queue < 0 {
		k.add(p.key("connections").key("queue"), "%d is negative; 0 lets nobody wait", u.Connections.Queue)
	}
	k.concurrency(p.key("concurrency"), &u.Concurrency)
}

// maxConcurrency is as many requests in flight as are counted.
const maxConcurrency = 1_000_000

func (k *checker) concurrency(p path, c *Concurrency) {
	for key, n := range map[string]int{"max": c.Max, "target_max": c.TargetMax} {
		if n < 0 || n > maxConcurrency {
			k.add(p.key(key), "%d is not between 1 and %d; 0 sets no limit", n, maxConcurrency)
		}
	}
	if c.Queue < 0 {
		k.add(p.key("queue"), "%d is negative; 0 lets nobody wait", c.Queue)
	}
	if a := c.Adaptive; a != nil {
		p := p.key("adaptive")
		if a.Min < 1 {
			k.add(p.key("min"), "%d would let no request through; the least is 1", a.Min)
		}
		if a.Max < a.Min || a.Max > maxConcurrency {
			k.add(p.key("max"), "%d is not between min and %d", a.Max, maxConcurrency)
		}
	}
}

func (k *checker) retry(p path, r Retry) {
	if r.Attempts < 1 || r.Attempts > maxRetryAttempts {
		k.add(p.key("attempts"), "%d is out of range; 1 (never again) to %d", r.Attempts, maxRetryAttempts)
	}
	if !(r.Budget >= 0 && r.Budget <= 1) {
		k.add(p.key("budget"), "%v is no share; 0 to 1", r.Budget)
	}
	for i, status := range r.Statuses {
		if status < 400 || status > 599 {
			k.add(p.key("statuses").at(i), "%d is no error status; 400 to 599", status)
		}
	}
}

func (k *checker) hash(p path, u Upstream) {
	consistent := u.Balance == "consistent_hash"
	switch {
	case consistent && u.Hash == nil:
		k.addAcross(p, []string{"balance", "hash"}, `consistent_hash needs "hash": { "key": … }, which says what it hashes`)
	case !consistent && u.Hash != nil:
		if k.trusted(p.key("balance")) {
			k.addKey(p.key("hash"), fmt.Sprintf("hash is for consistent_hash; %s does not use it", u.Balance))
		}
	case u.Hash != nil:
		if err := checkHashKey(u.Hash.Key); err != nil {
			k.add(p.key("hash").key("key"), "%v", err)
		}
		if b := u.Hash.BoundedLoad; b != 0 && b < 1 {
			k.add(p.key("hash").key("bounded_load"), "%v is neither 0 (no bound) nor at least 1", b)
		}
	}
}

func (k *checker) targets(p path, targets []Target) {
	if len(targets) == 0 {
		k.add(p, "the upstream has no target")
		return
	}
	taken := make(map[string]int, len(targets))
	usable := false
	for i, t := range targets {
		if err := dialable(t.Address); err != nil {
			k.add(p.at(i).key("address"), "%v", err)
		} else if first, ok := taken[t.Address]; ok {
			k.add(p.at(i).key("address"), "%q is already the address of targets[%d]", t.Address, first)
		} else {
			taken[t.Address] = i
		}
		if t.Weight < 0 || t.Weight > maxWeight {
			k.add(p.at(i).key("weight"), "%d is not between 0 and %d", t.Weight, maxWeight)
		}
		usable = usable || t.Weight != 0 && !t.Backup
	}
	if !usable {
		k.add(p, "no target would take traffic: each has weight 0 or is a backup")
	}
}
