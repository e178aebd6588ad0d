package main

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sent is one request and what became of it.
type sent struct {
	id     string
	method string
	begun  time.Time
	took   time.Duration
	out    string
}

// tally is what became of all requests.
type tally struct {
	mu   sync.Mutex
	all  []sent
	next atomic.Int64
}

func (t *tally) add(s sent) {
	t.mu.Lock()
	t.all = append(t.all, s)
	t.mu.Unlock()
}

// methods are drawn from: three of four are idempotent.
var methods = []string{http.MethodGet, http.MethodGet, http.MethodPost, http.MethodGet, http.MethodPut, http.MethodGet, http.MethodGet, http.MethodPost}

// one sends the next request.
func (t *tally) one(c *client) {
	s := sent{id: "r" + strconv.FormatInt(t.next.Add(1), 10), method: methods[rand.IntN(len(methods))], begun: time.Now()}
	s.out = c.do(s.method, s.id)
	s.took = time.Since(s.begun)
	t.add(s)
}

// load sends requests at a rate, whatever becomes of those before.
type load struct {
	stop chan struct{}
	done sync.WaitGroup
}

func startLoad(t *tally, c *client, rate int) *load {
	l := &load{stop: make(chan struct{})}
	l.done.Go(func() {
		next := time.Now()
		for {
			// At random, as people come: together now and then, and with pauses.
			next = next.Add(time.Duration(rand.ExpFloat64() * float64(time.Second) / float64(rate)))
			if late := time.Since(next); late > time.Second {
				next = time.Now()
			}
			select {
			case <-l.stop:
				return
			case <-time.After(time.Until(next)):
				l.done.Go(func() { t.one(c) })
			}
		}
	})
	return l
}

// end stops the load and waits for what is under way.
func (l *load) end() {
	close(l.stop)
	l.done.Wait()
}

// percentile returns the time that a share of the requests took at most.
func percentile(all []sent, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	times := make([]time.Duration, len(all))
	for i, s := range all {
		times[i] = s.took
	}
	slices.Sort(times)
	return times[min(len(times)-1, int(float64(len(times))*share))]
}
