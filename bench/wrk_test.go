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
   99.9% 2345.60ms
  91770 requests in 2.00s, 19.87MB read
`

func TestParseWrk(t *testing.T) {
	failing := wrkOutput + `  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 50000
`
	rates := "Requests/sec:  45885.21\nTransfer/sec:      9.93MB\n"
	fine := load{requests: 91770, perSecond: 45885.21, p50: 1230 * time.Microsecond, p99: 2100 * time.Millisecond, p999: 2345600 * time.Microsecond}
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

func TestParseOpenloop(t *testing.T) {
	got, err := parseOpenloop([]byte(`{"requests":4000,"errors":2,"unsent":1,"rate":1999.5,"p50_us":165.5,"p99_us":2500,"p999_us":1e6,"max_us":2e6,"late_p99_us":12}`))
	want := load{
		requests: 4000, errors: 2, perSecond: 1999.5, p50: 165500 * time.Nanosecond, p99: 2500 * time.Microsecond, p999: time.Second,
		late: 12 * time.Microsecond,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "{}", `{"requests":0}`, "openloop: cannot connect"} {
		if got, err := parseOpenloop([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v", bad, got)
		}
	}
}
