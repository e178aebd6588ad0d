package admin_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

// read asks for a path and reads the JSON that is answered.
func read[T any](d *desk, path string) (v T) {
	d.t.Helper()
	a := d.do("GET", path, "")
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != 200 {
		d.t.Fatalf("GET %s: %d %s: %v", path, a.status, a.body, err)
	}
	return v
}

type statusAnswer struct {
	Version, LogLevel, Changes     string
	Ready                          bool
	Generation, Reloads, Sample    uint64
	Connections, InFlight, Tunnels int64
	Traffic, Unmatched             trafficAnswer
	Failures                       []struct {
		Reason string
		Count  uint64
	}
	Routes []struct {
		Name    string
		Traffic trafficAnswer
	}
	RoutesOmitted int `json:"routes_omitted"`
	Upstreams     []struct {
		Name    string
		Targets []struct {
			Address, State string
			Traffic        float64
		}
	}
	UpstreamsOmitted int `json:"upstreams_omitted"`
}

type trafficAnswer struct {
	Requests, Errors uint64
	PerSecond        float64  `json:"per_second"`
	P99              *float64 `json:"p99_ms"`
	Recent           []*float64
}

// until waits for the admin interface to have taken n samples.
func (d *desk) until(n uint64) statusAnswer {
	d.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s := read[statusAnswer](d, "/status"); s.Sample >= n {
			return s
		}
	}
	d.t.Fatalf("no %d samples", n)
	return statusAnswer{}
}

func TestStatus(t *testing.T) {
	d := open(t, conf)
	s := d.until(1)
	if s.Version != "v1.2.3" || s.Changes != "allowed" || !s.Ready || s.Generation != 1 || s.Connections != 3 {
		t.Errorf("status %+v", s)
	}
	var names []string
	for _, r := range s.Routes {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "api away ping rest" {
		t.Errorf("routes %s", got)
	}
	if len(s.Upstreams) != 2 || len(s.Upstreams[0].Targets) != 2 || s.Upstreams[0].Targets[1].State != "up" {
		t.Errorf("upstreams %+v", s.Upstreams)
	}
	if s.Traffic.P99 != nil || s.Traffic.Requests != 0 {
		t.Errorf("traffic of nothing: %+v", s.Traffic)
	}
	for range 10 {
		d.scope.Route("rest").Observe(&exchange.Facts{Status: 503, Reason: exchange.NoTarget, Duration: time.Millisecond})
	}
	s = d.until(s.Sample + 1)
	if rest := s.Routes[3].Traffic; rest.Requests != 10 || rest.Errors != 10 || rest.PerSecond <= 0 || rest.P99 == nil || len(rest.Recent) == 0 {
		t.Errorf("traffic %+v", rest)
	}
	if s.Traffic.Requests != 10 || len(s.Failures) != 1 || s.Failures[0].Reason != "no_target" || s.Failures[0].Count != 10 {
		t.Errorf("in all %+v, failures %+v", s.Traffic, s.Failures)
	}
	type chartAnswer struct {
		Sample      uint64
		AtMS        []int64    `json:"at_ms"`
		Requests    []*float64 `json:"requests"`
		Connections []int64
	}
	all := read[chartAnswer](d, "/history")
	if len(all.AtMS) < 2 || len(all.Requests) != len(all.AtMS) || len(all.Connections) != len(all.AtMS) {
		t.Errorf("history %+v", all)
	}
	rest := read[chartAnswer](d, fmt.Sprintf("/history?route=rest&since=%d", s.Sample-1))
	if n := uint64(len(rest.AtMS)); n != rest.Sample-(s.Sample-1) || rest.Requests[0] == nil || *rest.Requests[0] <= 0 {
		t.Errorf("history since the last sample but one: %+v", rest)
	}
	if later := read[chartAnswer](d, "/history?upstream=nobody&since=999999999"); len(later.AtMS) < 2 || later.Requests[0] != nil {
		t.Errorf("of another process's sample, and an upstream that is not there: %+v", later)
	}
	for query, want := range map[string]string{"since=x": "no number", "rout=a": "unknown parameter", "route=a&upstream=b": "one route or one upstream"} {
		d.do("GET", "/history?"+query, "").fails(t, 400, want)
	}
}

// TestStatusIsBounded: of very many routes, those that are asked are shown.
func TestStatusIsBounded(t *testing.T) {
	var routes, upstreams strings.Builder
	for i := range 500 {
		fmt.Fprintf(&routes, `{ "name": "r%03d", "path": "/r/%03d", "upstream": "u%03d" },`, i, i, i)
		fmt.Fprintf(&upstreams, `"u%03d": { "targets": [ { "address": "127.0.0.1:1" } ] },`, i)
	}
	d := open(t, `{ "listeners": [ { "address": "127.0.0.1:0" } ], "upstreams": { `+upstreams.String()+` }, "routes": [ `+routes.String()+` ] }`)
	s := d.until(1)
	if len(s.Routes) != 200 || s.RoutesOmitted != 300 || len(s.Upstreams) != 200 || s.UpstreamsOmitted != 300 || s.Routes[0].Name != "r000" {
		t.Fatalf("%d routes, %d upstreams", len(s.Routes), len(s.Upstreams))
	}
	d.scope.Route("r499").Observe(&exchange.Facts{Status: 200})
	d.proxy.Generation().Pools()["u498"].Targets[0].Drain(true)
	s = d.until(s.Sample + 1)
	if last := s.Routes[199].Name; last != "r499" {
		t.Errorf("the last route is %s", last)
	}
	if last := s.Upstreams[199].Name; last != "u498" {
		t.Errorf("the last upstream is %s", last)
	}
}

type reloadsAnswer struct {
	Reloads []struct {
		Number, Generation   uint64
		Cause, Result, Error string
		Summary              string
		Problems             []struct{ Line, Column int }
		Sources              []struct {
			Text string
			At   int
		}
		Changes *struct {
			Upstreams struct{ Changed []struct{ Name string } }
		}
	}
}

func TestReloads(t *testing.T) {
	d := settled(t)
	good, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	d.write(strings.Replace(string(good), `"weight": 5`, `"weight": 3`, 1))
	d.do("POST", "/reload", "")
	d.write(strings.Replace(string(good), `"upstream": "cache" }`, `"upstream": "cash" }`, 1))
	d.do("POST", "/reload", "")
	got := read[reloadsAnswer](d, "/reloads").Reloads
	if len(got) != 3 || got[0].Number != 3 || got[2].Result != "unchanged" {
		t.Fatalf("reloads %+v", got)
	}
	if r := got[1]; r.Result != "applied" || r.Generation != 2 || r.Summary != "upstreams: ~api (~1 targets)" || r.Changes.Upstreams.Changed[0].Name != "api" {
		t.Errorf("applied: %+v", r)
	}
	if r := got[0]; r.Result != "refused" || r.Generation != 2 || r.Problems[0].Line != 14 || len(r.Sources) != 1 ||
		!strings.HasPrefix(r.Sources[0].Text[r.Sources[0].At:], `"cash"`) {
		t.Errorf("refused: %+v", r)
	}
	if s := read[statusAnswer](d, "/status"); s.Reloads != 3 {
		t.Errorf("%d reloads in /status", s.Reloads)
	}
	base := "http://" + d.listen(func(ln net.Listener) net.Listener { return foreign{ln} })
	a := ask(t, http.DefaultTransport, "GET", base+"/reloads", "")
	if strings.Contains(a.body, "sources") || !strings.Contains(a.body, `"line": 14`) {
		t.Errorf("to a stranger: %s", a.body)
	}
	if a := ask(t, http.DefaultTransport, "GET", base+"/status", ""); !strings.Contains(a.body, `"changes": "no"`) {
		t.Errorf("to a stranger: %s", a.body)
	}
}

// TestReloadsHideSecrets, in the line of a mistake too.
func TestReloadsHideSecrets(t *testing.T) {
	d := settled(t)
	const token = "correct-horse\\\"battery"
	for _, admin := range []string{
		`{ "address": ":1", "token": "` + token + `", "tokn": 1 }`,
		`{ "address": ":1", "Token"  :  "` + token + ` `,
		`{ "address": ":1", "my_tokens": ["` + token + `", "` + token + `"], "x": 1 }`,
	} {
		d.write(`{ "listeners": [ { "address": ":80" } ], "admin": ` + admin + ` }`)
		d.do("POST", "/reload", "")
		body := d.do("GET", "/reloads", "").body
		if strings.Contains(body, "horse") || strings.Contains(body, "battery") || !strings.Contains(body, "*****") {
			t.Errorf("shown: %s", body)
		}
	}
}
