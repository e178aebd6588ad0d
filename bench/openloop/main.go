//go:build linux

// Command openloop sends GET requests at a fixed rate, whatever the answers do:
// each has a moment at which it is due, and its latency counts from then, so that
// a proxy that stalls is charged for all the requests it kept waiting (no
// coordinated omission). It prints one line of JSON.
//
//	go run ./bench/openloop -rate 10000 -connections 64 -duration 10s http://127.0.0.1:8080/bench
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// outcome is what is printed; latencies are in microseconds.
type outcome struct {
	Requests int     `json:"requests"` // sent, and answered or failed
	Errors   int     `json:"errors"`   // no answer, or a status other than 200
	Unsent   int     `json:"unsent"`   // due, but every connection was waiting; for how long is among the latencies
	Rate     float64 `json:"rate"`     // answered a second
	P50      float64 `json:"p50_us"`
	P99      float64 `json:"p99_us"`
	P999     float64 `json:"p999_us"`
	Max      float64 `json:"max_us"`
	// Late is how long after its moment the 99th percentile of requests was sent
	// that had a free connection then: what openloop itself adds to latencies.
	Late float64 `json:"late_p99_us"`
}

// plan is the command line.
type plan struct {
	rate        float64 // requests a second
	connections int
	duration    time.Duration
	address     string // host:port
	request     []byte
}

func main() {
	p, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "openloop: %v\n", err)
		os.Exit(2)
	}
	// One thread does it all, and nothing else is to hold it up.
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	o, err := run(p)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(o)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "openloop: %v\n", err)
		os.Exit(1)
	}
}

func parse(args []string) (plan, error) {
	var p plan
	f := flag.NewFlagSet("openloop", flag.ContinueOnError)
	f.Float64Var(&p.rate, "rate", 1000, "requests a second over all connections")
	f.IntVar(&p.connections, "connections", 64, "connections")
	f.DurationVar(&p.duration, "duration", 5*time.Second, "how long")
	if err := f.Parse(args); err != nil {
		return p, err
	}
	target, err := url.Parse(f.Arg(0))
	if err != nil || f.NArg() != 1 || target.Scheme != "http" || target.Host == "" || p.rate <= 0 || p.connections < 1 {
		return p, errors.New("want -rate and -connections above 0 and one http:// URL")
	}
	p.address = target.Host
	if target.Port() == "" {
		p.address = net.JoinHostPort(target.Hostname(), "80")
	}
	p.request = []byte("GET " + target.RequestURI() + " HTTP/1.1\r\nHost: " + target.Host +
		"\r\nAccept: */*\r\nUser-Agent: openloop\r\n\r\n")
	return p, nil
}

// run connects, sends and waits for the last answers.
func run(p plan) (outcome, error) {
	l, err := newLoop(p)
	if err != nil {
		return outcome{}, err
	}
	defer l.close()
	if err := l.run(); err != nil {
		return outcome{}, err
	}
	return l.outcome(), nil
}

// outcome works out what has become of all requests.
func (l *loop) outcome() outcome {
	o := outcome{Requests: len(l.latencies) + l.errors, Errors: l.errors}
	if seconds := l.ended.Sub(l.begin).Seconds(); seconds > 0 {
		o.Rate = float64(len(l.latencies)) / seconds
	}
	all := l.latencies
	for ; l.sent < l.total; l.sent++ {
		all = append(all, l.ended.Sub(l.due(l.sent)))
		o.Unsent++
	}
	slices.Sort(all)
	o.P50, o.P99, o.P999, o.Max = at(all, .5), at(all, .99), at(all, .999), at(all, 1)
	slices.Sort(l.late)
	o.Late = at(l.late, .99)
	return o
}

// at is a quantile of what is sorted, in microseconds; 0 if there is nothing.
func at(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Nanoseconds()) / 1e3
}
