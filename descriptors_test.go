package main

import (
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

func TestDivideDescriptors(t *testing.T) {
	pools := func(targets, each int) *config.Config {
		return &config.Config{
			Listeners: make([]config.Listener, 1),
			Upstreams: map[string]config.Upstream{"a": {
				Targets: make([]config.Target, targets), Connections: config.Connections{Max: each},
			}},
		}
	}
	for name, c := range map[string]struct {
		limit            int64
		cfg              *config.Config
		reserve, clients int64
		tight            bool
	}{
		"no limit":         {0, pools(1, 1024), 0, 0, false},
		"plenty":           {1 << 20, pools(4, 1024), 514, 1<<20 - 514 - 4096, false},
		"all fit just so":  {1024, pools(1, 400), 66, 558, false},
		"pools want more":  {1024, pools(2, 1024), 66, 479, true},
		"hardly any":       {200, pools(1, 1024), 40, 80, true},
		"fewer than that":  {20, pools(1, 1024), 34, 1, true},
		"nothing upstream": {1024, &config.Config{}, 64, 960, false},
	} {
		d := divideDescriptors(c.limit, c.cfg)
		if d.reserve != c.reserve || d.clients != c.clients || (c.limit > 0 && d.tight() != c.tight) {
			t.Errorf("%s: %+v, tight %v", name, d, d.tight())
		}
	}
}
