package main

import (
	"errors"
	"regexp"
	"sync"
)

// verdict is what came of one case for each contestant.
type verdict struct {
	group    string
	c        *Case
	outcomes []outcome
}

// outcome is whether the rule held, and what was done where that needs telling.
type outcome struct {
	held bool
	did  string
}

func (o outcome) String() string {
	switch {
	case !o.held:
		return o.did
	case o.did != "":
		return "ok, " + o.did
	}
	return "ok"
}

// errClean says that a peer has forwarded what it could have refused, in a form
// that every origin reads alike: another choice, and no fault.
var errClean = errors.New("forwarded clean")

// errNoSetting says that a peer has nothing that the case is about.
var errNoSetting = errors.New("has no such setting")

// judge runs one case against one contestant.
func judge(c *Case, who contestant) error {
	l, err := who.lane(c.Setup)
	if err != nil {
		return err
	}
	err = perform(c, l)
	if excused(err) {
		_ = l.done()
		return err
	}
	if trouble := l.done(); err == nil {
		err = trouble
	}
	return err
}

// excused reports whether an error is no failure to hold the rule.
func excused(err error) bool { return errors.Is(err, errClean) || errors.Is(err, errNoSetting) }

// atOnce is how many cases run side by side.
const atOnce = 8

// judgeAll runs the cases whose group and name match against all contestants.
func judgeAll(groups []Group, only *regexp.Regexp, all []contestant) []verdict {
	var verdicts []verdict
	for g := range groups {
		for i := range groups[g].Cases {
			c := &groups[g].Cases[i]
			if only.MatchString(groups[g].Title + ": " + c.Name) {
				verdicts = append(verdicts, verdict{groups[g].Title, c, make([]outcome, len(all))})
			}
		}
	}
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range verdicts {
		v := &verdicts[i]
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for j, who := range all {
				err := judge(v.c, who)
				v.outcomes[j].held = err == nil || excused(err)
				if err != nil {
					v.outcomes[j].did = err.Error()
				}
			}
		})
	}
	wg.Wait()
	return verdicts
}

var errSmuggled = errors.New("sent the smuggled request")
