package main

import (
	"math/rand/v2"
	"sync"
	"time"
)

// idleFaults are origins that close connections which are idle: a request that
// crosses the close is lost, and a POST cannot be repeated.
var idleFaults = []*fault{
	idle("idle-5ms", "5ms", "after 5 ms", 5*time.Millisecond),
	idle("idle-50ms", "50ms", "after 50 ms", 50*time.Millisecond),
	idle("idle-1s", "1s", "after 1 s", time.Second),
	idle("idle-random", "random", "after 0 to 200 ms, at random", 0),
}

func idle(name, kept, when string, about time.Duration) *fault {
	return &fault{
		name: name, posts: true, short: name == "idle-5ms", plan: plan{Idle: kept},
		what: "origins close connections that are idle " + when + "; twenty requests at once come again and again as the time is about to be over",
		play: func(s *stage) error {
			end := 8 * time.Second
			if s.short {
				end = 3 * time.Second
			}
			for begun := time.Now(); time.Since(begun) < end; {
				s.burst(20)
				pause := about - 2*time.Millisecond + rand.N(4*time.Millisecond)
				if about == 0 {
					pause = rand.N(200 * time.Millisecond)
				}
				time.Sleep(pause)
			}
			return nil
		},
	}
}

// burst sends requests at once, and returns when they are answered.
func (s *stage) burst(n int) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() { s.tally.one(s.client) })
	}
	all.Wait()
}
