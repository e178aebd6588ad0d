// Command openloop sends GET requests at a fixed rate, whatever the answers do:
// each has a moment at which it is due, and its latency counts from then, so that
// a proxy that stalls is charged for all the requests it kept waiting (no
// coordinated omission). It prints one line of JSON.
//
//	go run ./bench/openloop -rate 10000 -connections 64 -duration 10s http://127.0.0.1:8080/bench
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// outcome is what is printed; latencies are in microseconds.
type outcome struct {
	Requests int     `json:"requests"`
	Errors   int     `json:"errors"`
	Rate     float64 `json:"rate"` // answered a second
	P50      float64 `json:"p50_us"`
	P99      float64 `json:"p99_us"`
	P999     float64 `json:"p999_us"`
	Max      float64 `json:"max_us"`
}

// lane is one connection and what became of its requests.
type lane struct {
	latencies []time.Duration
	errors    int
}

func main() {
	rate := flag.Float64("rate", 1000, "requests a second over all connections")
	connections := flag.Int("connections", 64, "connections")
	duration := flag.Duration("duration", 5*time.Second, "how long")
	flag.Parse()
	target, err := url.Parse(flag.Arg(0))
	if err != nil || flag.NArg() != 1 || *rate <= 0 || *connections < 1 {
		fmt.Fprintln(os.Stderr, "openloop: want -rate and -connections above 0 and one URL")
		os.Exit(2)
	}
	lanes := make([]lane, *connections)
	gap := time.Duration(float64(time.Second) * float64(*connections) / *rate)
	begin := time.Now().Add(100 * time.Millisecond)
	var running sync.WaitGroup
	for i := range lanes {
		running.Go(func() {
			first := begin.Add(gap * time.Duration(i) / time.Duration(*connections))
			lanes[i].run(target, first, gap, begin.Add(*duration))
		})
	}
	running.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(sum(lanes, time.Since(begin))); err != nil {
		os.Exit(1)
	}
}

// run sends a request at first and after each gap, until end. One that is due
// while the one before is still out is sent as soon as that is answered.
func (l *lane) run(target *url.URL, first time.Time, gap time.Duration, end time.Time) {
	request := []byte("GET " + target.RequestURI() + " HTTP/1.1\r\nHost: " + target.Host + "\r\nAccept: */*\r\nUser-Agent: openloop\r\n\r\n")
	var conn net.Conn
	var in *bufio.Reader
	var answer fasthttp.Response
	for due := first; due.Before(end); due = due.Add(gap) {
		time.Sleep(time.Until(due))
		if conn == nil {
			var err error
			if conn, err = net.DialTimeout("tcp", target.Host, time.Second); err != nil {
				l.errors++
				continue
			}
			in = bufio.NewReaderSize(conn, 16<<10)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, err := conn.Write(request)
		if err == nil {
			err = answer.Read(in)
		}
		if err != nil || answer.StatusCode() != 200 {
			l.errors++
			_ = conn.Close()
			conn = nil
			continue
		}
		l.latencies = append(l.latencies, time.Since(due))
	}
	if conn != nil {
		_ = conn.Close()
	}
}

func sum(lanes []lane, took time.Duration) outcome {
	var o outcome
	var all []time.Duration
	for _, l := range lanes {
		all = append(all, l.latencies...)
		o.Errors += l.errors
	}
	slices.Sort(all)
	at := func(q float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return float64(all[min(int(q*float64(len(all))), len(all)-1)].Nanoseconds()) / 1e3
	}
	o.Requests, o.Rate = len(all)+o.Errors, float64(len(all))/took.Seconds()
	o.P50, o.P99, o.P999, o.Max = at(.5), at(.99), at(.999), at(1)
	return o
}
