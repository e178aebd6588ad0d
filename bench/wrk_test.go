package main

import (
	"strings"
	"testing"
	"time"
)

const wrkOutput = `Running 2s test @ http://127.0.0.1:8080/bench
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.42ms    1.05ms  22.70ms   92.10%
    Req/Sec    46.00k     3.21k   51.02k    70.00%
  Latency Distribution
     50%    1.23ms
     75%    1.60ms
     90%  980.00us
     99%    2.10s 
  91770 requests in 2.00s, 19.87MB read
`

func TestParseWrk(t *testing.T) {
	failing := wrkOutput + `  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 50000
`
	rates := "Requests/sec:  45885.21\nTransfer/sec:      9.93MB\n"
	fine := load{requests: 91770, perSecond: 45885.21, p50: 1230 * time.Microsecond, p99: 2100 * time.Millisecond}
	failed := fine
	failed.errors = 54321
	for name, c := range map[string]struct {
		out  string
		want load
	}{
		"fine":   {wrkOutput + rates, fine},
		"errors": {failing + rates, failed},
	} {
		got, err := parseWrk(c.out)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func TestParseWrkRefusesWhatItCannotRead(t *testing.T) {
	for name, out := range map[string]string{
		"nothing":      "",
		"no answer":    "  0 requests in 2.00s, 0.00B read\nRequests/sec:      0.00\n",
		"bad latency":  strings.Replace(wrkOutput, "1.23ms", "soon", 1),
		"bad requests": strings.Replace(wrkOutput, "91770 requests", "many requests", 1),
	} {
		if got, err := parseWrk(out); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
