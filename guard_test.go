package main

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

func TestJudge(t *testing.T) {
	rules := &config.Guard{Window: config.Duration(time.Second), MaxRise: 0.1, MinRequests: 50}
	for name, c := range map[string]struct {
		before, after counts
		want          []string
	}{
		"as before":              {counts{"a": {Requests: 100}}, counts{"a": {Requests: 100}}, nil},
		"a rise":                 {counts{"a": {Requests: 100}}, counts{"a": {Requests: 50, Failed: 6}}, []string{"a"}},
		"a rise that is allowed": {counts{"a": {Requests: 100}}, counts{"a": {Requests: 50, Failed: 5}}, nil},
		"too few requests":       {counts{"a": {Requests: 100}}, counts{"a": {Requests: 49, Failed: 49}}, nil},
		"failing before":         {counts{"a": {Requests: 100, Failed: 95}}, counts{"a": {Requests: 100, Failed: 100}}, nil},
		"a new route among good ones": {
			counts{"a": {Requests: 100}}, counts{"b": {Requests: 100, Failed: 11}}, []string{"b"}},
		"a new route among failing ones": {
			counts{"a": {Requests: 100, Failed: 50}, "c": {Requests: 100, Failed: 50}}, counts{"b": {Requests: 100, Failed: 60}}, nil},
		"nothing before":          {counts{}, counts{"a": {Requests: 100, Failed: 11}}, []string{"a"}},
		"nothing before, no rise": {counts{}, counts{"a": {Requests: 100, Failed: 10}}, nil},
		"the worst first": {
			counts{"a": {Requests: 100, Failed: 50}, "b": {Requests: 100}, "c": {Requests: 9}},
			counts{"a": {Requests: 100, Failed: 100}, "b": {Requests: 100, Failed: 90}, "c": {Requests: 100, Failed: 50}},
			[]string{"b", "a", "c"}},
	} {
		found := judge(rules, c.before, c.after)
		var got []string
		for _, f := range found {
			got = append(got, f.Route)
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: found %q, want %q", name, got, c.want)
			}
		}
	}
}
