package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// judged has requests judged that became of as told; notes are what origins read.
func judged(t *testing.T, f *fault, s *stage, notes string) *result {
	t.Helper()
	s.proxy, s.dir = &proxy{kind: sluice}, t.TempDir()
	if err := os.WriteFile(filepath.Join(s.dir, "notes"), []byte(notes), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := s.judge(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestJudge finds what breaks a promise, and nothing else.
func TestJudge(t *testing.T) {
	noon := time.Now()
	one := func(method, out string) *stage {
		s := &stage{}
		s.tally.add(sent{"r1", method, noon, time.Second, out})
		return s
	}
	dead := one(http.MethodGet, "status 502")
	dead.dead = []span{{noon.Add(time.Second / 2), noon.Add(time.Minute)}}
	later := one(http.MethodGet, "status 502")
	later.dead = []span{{noon.Add(-time.Minute), noon}}
	ending := one(http.MethodGet, refused)
	ending.excused = func(q sent) bool { return q.out == refused }
	ending.tally.add(sent{"r2", http.MethodGet, noon, time.Second, well})
	for name, c := range map[string]struct {
		stage  *stage
		fault  fault
		notes  string
		broken string
	}{
		"well":                  {one(http.MethodGet, well), fault{}, "GET r1\n", ""},
		"GET failed":            {one(http.MethodGet, "status 502"), fault{}, "", "1 idempotent requests failed"},
		"PUT failed":            {one(http.MethodPut, tooSlow), fault{}, "", "1 idempotent requests failed"},
		"POST failed":           {one(http.MethodPost, "status 502"), fault{}, "", ""},
		"POST must not fail":    {one(http.MethodPost, "status 502"), fault{posts: true}, "", "1 requests that may not be repeated failed"},
		"GET twice":             {one(http.MethodGet, well), fault{}, "GET r1\nGET r1\n", ""},
		"POST twice":            {one(http.MethodPost, well), fault{}, "POST r1\nPOST r1\n", "sent twice"},
		"another's answer":      {one(http.MethodPost, wrong), fault{}, "", "another's answer"},
		"no target":             {dead, fault{}, "", ""},
		"a target again":        {later, fault{}, "", "1 idempotent requests failed"},
		"cut":                   {one(http.MethodGet, cutShort), fault{}, "", "1 idempotent requests failed"},
		"cut by the fault":      {one(http.MethodGet, cutShort), fault{cuts: true}, "", ""},
		"refused at the end":    {ending, fault{}, "", ""},
		"refused":               {one(http.MethodGet, refused), fault{}, "", "1 idempotent requests failed"},
		"nothing":               {&stage{}, fault{}, "", "nothing was sent"},
		"a promise of its own":  {&stage{broken: []string{"it has ended"}, tally: tally{all: []sent{{out: well}}}}, fault{}, "", "it has ended"},
		"different POSTs, well": {one(http.MethodPost, well), fault{posts: true}, "POST r1\nPOST r2\n", ""},
	} {
		r := judged(t, &c.fault, c.stage, c.notes)
		if got := strings.Join(r.broken, "; "); (c.broken == "") != (got == "") || !strings.Contains(got, c.broken) {
			t.Errorf("%s: broken %q, want %q", name, got, c.broken)
		}
	}
}
