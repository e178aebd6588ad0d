package upstream_test

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/upstream"
)

func TestTakeOver(t *testing.T) {
	addresses := []string{"127.0.0.1:1", "127.0.0.1:2"}
	cases := []struct {
		name                        string
		edit                        func(*config.Upstream)
		samePool, sameFirst, reNode bool
	}{
		{"unchanged", func(*config.Upstream) {}, true, true, false},
		{"another weight", func(d *config.Upstream) { d.Targets[0].Weight = 7 }, false, true, false},
		{"made a backup", func(d *config.Upstream) { d.Targets[0].Backup = true }, false, true, false},
		{"another policy", func(d *config.Upstream) { d.Balance = "ewma" }, false, true, false},
		{"another host", func(d *config.Upstream) { d.Host = "target" }, false, true, false},
		{"another response timeout", func(d *config.Upstream) { d.Timeouts.ResponseHeader = 1 }, false, true, false},
		{"another target beside it", func(d *config.Upstream) {
			d.Targets = append(d.Targets, config.Target{Address: "127.0.0.1:3", Weight: 1})
		}, false, true, false},
		{"the other order", func(d *config.Upstream) {
			d.Targets = []config.Target{d.Targets[1], d.Targets[0]}
		}, false, true, false},
		{"the other gone", func(d *config.Upstream) { d.Targets = d.Targets[:1] }, false, true, false},
		{"other connections", func(d *config.Upstream) { d.Connections.Max = 1 }, false, false, true},
		{"another connect timeout", func(d *config.Upstream) { d.Timeouts.Connect = 1 }, false, false, true},
		{"gone itself", func(d *config.Upstream) { d.Targets = d.Targets[1:] }, false, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := pool(t, definition(nil, addresses...), nil, nil)
			after := pool(t, definition(c.edit, addresses...), before.Pool, nil)
			if same := after.Pool == before.Pool; same != c.samePool {
				t.Errorf("the same pool: %v, want %v", same, c.samePool)
			}
			old := before.Targets[0]
			var target *upstream.Target
			for _, x := range after.Targets {
				if x.Address == old.Address {
					target = x
				}
			}
			if same := target == old; same != c.sameFirst {
				t.Errorf("the same target: %v, want %v", same, c.sameFirst)
			}
			if c.reNode && (target == nil || target.Node != old.Node) {
				t.Error("the target's place in balancing is another")
			}
		})
	}
}

// TestObserversAreAskedForAlways: counters live as long as somebody asks for them,
// so a pool that is taken over asks too.
func TestObserversAreAskedForAlways(t *testing.T) {
	def := definition(nil, "127.0.0.1:1", "unix:/nowhere")
	var prev *upstream.Pool
	for range 3 {
		asked := map[string]int{}
		p, err := upstream.NewPool("u", def, prev, upstream.Options{Observe: func(pool, target string) upstream.Observer {
			asked[pool+" "+target]++
			return &witness{}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if asked["u 127.0.0.1:1"] == 0 || asked["u unix:/nowhere"] == 0 {
			t.Errorf("asked for %v", asked)
		}
		prev = p
	}
}

func TestPickLeavesOutWhatWasTried(t *testing.T) {
	b := pool(t, definition(nil, "127.0.0.1:1", "127.0.0.1:2"), nil, nil)
	var tried lb.Tried
	seen := map[string]bool{}
	for range 2 {
		target := b.Pick(0, 0, &tried)
		if target == nil {
			t.Fatal("no target left")
		}
		seen[target.Address] = true
		tried.Add(target.Node)
	}
	if len(seen) != 2 {
		t.Errorf("picked %v, want both", seen)
	}
	if target := b.Pick(0, 0, &tried); target != nil {
		t.Errorf("picked %s again", target.Address)
	}
}

func TestUnknownPolicy(t *testing.T) {
	def := definition(func(d *config.Upstream) { d.Balance = "magic" }, "127.0.0.1:1")
	if _, err := upstream.NewPool("u", def, nil, upstream.Options{}); err == nil {
		t.Error("a policy that is not there makes a pool")
	}
}

func TestRetire(t *testing.T) {
	b := pool(t, definition(nil, tcpOrigin(t, answering(hello))), nil, nil)
	target := b.Targets[0]
	var busy upstream.Trip
	if err := b.open(&busy); err != nil {
		t.Fatal(err)
	}
	b.wantHello()
	wantConnections(t, target, 2, 1)
	target.Retire()
	wantConnections(t, target, 1, 0)
	if err := b.ask(&busy, get); err != nil {
		t.Fatalf("the request under way fails: %v", err)
	}
	if text, err := body(&busy); err != nil || text != "hello" {
		t.Fatalf("the request under way is answered %q, %v", text, err)
	}
	end(&busy, true)
	wantConnections(t, target, 0, 0)
	b.wantHello() // late ones are served
	wantConnections(t, target, 0, 0)
}

func wantConnections(t *testing.T, target *upstream.Target, all, idle int) {
	t.Helper()
	if a, i := target.Connections(); a != all || i != idle {
		t.Errorf("%d connections, %d idle; want %d, %d", a, i, all, idle)
	}
}

func TestIdleConnectionsAreClosedInTime(t *testing.T) {
	def := definition(func(d *config.Upstream) { d.Connections.IdleTimeout = config.Duration(20 * time.Millisecond) },
		tcpOrigin(t, answering(hello)))
	b := pool(t, def, nil, nil)
	b.wantHello()
	within(t, "the idle connection is closed", func() bool { all, _ := b.Targets[0].Connections(); return all == 0 })
	b.wantHello()
}

func TestMaxAge(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		want int
	}{{time.Nanosecond, 3}, {time.Hour, 1}, {0, 1}} {
		def := definition(func(d *config.Upstream) { d.Connections.MaxAge = config.Duration(c.age) },
			tcpOrigin(t, answering(hello)))
		b := pool(t, def, nil, nil)
		for range 3 {
			b.wantHello()
		}
		if _, made := b.w.dials(); made != c.want {
			t.Errorf("max_age %v: %d connections for 3 requests, want %d", c.age, made, c.want)
		}
	}
}
