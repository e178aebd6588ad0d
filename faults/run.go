package main

import (
	"fmt"
	"os"
	"slices"
	"sync"
)

// runner plays faults.
type runner struct {
	base
	programs map[string]string
	missing  map[string]string // why a proxy is not there
	kinds    []*kind
	short    bool
}

func newRunner(b base, proxies []string, short bool) *runner {
	r := &runner{base: b, programs: map[string]string{}, missing: map[string]string{}, short: short}
	for _, k := range kinds {
		if len(proxies) > 0 && !slices.Contains(proxies, k.name) {
			continue
		}
		r.kinds = append(r.kinds, k)
		program, err := k.find(b.built)
		if err != nil {
			r.missing[k.name] = "not installed"
		}
		r.programs[k.name] = program
	}
	return r
}

// run plays a fault for every proxy.
func (r *runner) run(f *fault) ([]*result, error) {
	results, errs := make([]*result, len(r.kinds)), make([]error, len(r.kinds))
	var all sync.WaitGroup
	for i, k := range r.kinds {
		one := func() { results[i], errs[i] = r.runOne(f, k) }
		if f.alone {
			one()
		} else {
			all.Go(one)
		}
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", f.name, r.kinds[i].name, err)
		}
	}
	return results, nil
}

func (r *runner) runOne(f *fault, k *kind) (*result, error) {
	why := f.cannot[k.name]
	switch {
	case why != "":
	case r.missing[k.name] != "":
		why = r.missing[k.name]
	case f.plan.Link > 0 && !r.world.links:
		why = "no namespaces or no /dev/net/tun here"
	case f.plan.Name && r.world.dns == nil:
		why = "no namespaces here"
	}
	if why != "" {
		return &result{fault: f, proxy: k.name, na: why}, nil
	}
	dir, err := os.MkdirTemp(r.dir, f.name+"-"+k.name+"-")
	if err != nil {
		return nil, err
	}
	p := f.plan
	p.setDefaults(r.short)
	s := &stage{plan: &p, dir: dir, short: r.short, world: r.world, name: "app-" + k.name + ".faults.test."}
	defer s.tear()
	if err := s.build(k, r.programs[k.name]); err != nil {
		return nil, err
	}
	s.load = startLoad(&s.tally, s.client, p.Rate)
	err = f.play(s)
	s.load.end()
	if err != nil {
		return nil, s.explain(err)
	}
	if s.alive() {
		retried, err := k.retries(s.proxy)
		if err != nil {
			return nil, err
		}
		s.retried += retried
	}
	return s.judge(f)
}
