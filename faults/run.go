package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// runner plays faults.
type runner struct {
	dir      string // for everything that is written
	programs map[string]string
	missing  map[string]string // why a proxy is not there
	kinds    []*kind
	short    bool
}

// newRunner builds Sluice, if no program is given, and looks for the others.
func newRunner(dir, built string, names []string) (*runner, error) {
	r := &runner{dir: dir, programs: map[string]string{}, missing: map[string]string{}}
	if built == "" {
		built = filepath.Join(dir, "sluice")
		if err := build(built); err != nil {
			return nil, err
		}
	}
	for _, k := range kinds {
		if len(names) > 0 && !slices.Contains(names, k.name) {
			continue
		}
		r.kinds = append(r.kinds, k)
		program, err := k.find(built)
		if err != nil {
			r.missing[k.name] = "not installed"
		}
		r.programs[k.name] = program
	}
	return r, nil
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
	if why == "" {
		why = r.missing[k.name]
	}
	if why != "" {
		return &result{fault: f, proxy: k.name, na: why}, nil
	}
	dir, err := os.MkdirTemp(r.dir, f.name+"-"+k.name+"-")
	if err != nil {
		return nil, err
	}
	p := f.plan
	p.setDefaults()
	s := &stage{plan: &p, dir: dir, short: r.short}
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
	retried := 0
	if s.alive() {
		if retried, err = k.retries(s.proxy); err != nil {
			return nil, err
		}
	}
	result, err := s.judge(f)
	if err == nil {
		result.retried = retried
	}
	return result, err
}
