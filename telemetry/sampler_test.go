package telemetry

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sluiceproxy/sluice/exchange"
)

// TestSamplerLooksAfterSome: of too many routes those asked most, of which it lets go
// when they are gone.
func TestSamplerLooksAfterSome(t *testing.T) {
	m := NewMetrics("v1.2.3")
	kept, gone := m.Scope(), m.Scope()
	serve := func(s *Scope, route string, n int) {
		r := s.Route(route)
		for range n {
			r.Observe(&exchange.Facts{Status: 200})
		}
	}
	want := func(when string, f *Figures, leftOut bool, routes ...string) {
		t.Helper()
		var got []string
		for i := range f.Routes {
			got = append(got, fmt.Sprint(f.Routes[i].Name, " ", f.Routes[i].Requests))
		}
		if fmt.Sprint(got) != fmt.Sprint(routes) || f.RoutesLeftOut != leftOut {
			t.Errorf("%s: %q, left out %v; want %q, %v", when, got, f.RoutesLeftOut, routes, leftOut)
		}
	}
	s := m.Sampler(2)
	kept.Route("unused")
	want("at first", s.Figures(), false)
	serve(kept, "a", 1)
	want("one", s.Figures(), false, "a 1")
	serve(kept, "b", 2)
	serve(gone, "c", 3)
	want("too many", s.Figures(), true, "a 1", "c 3")
	serve(kept, "b", 5)
	serve(kept, "a", 1)
	want("those that it has stay", s.Figures(), true, "a 2", "c 3")
	gone.Close()
	f := s.Figures()
	want("there is room", f, false, "a 2", "b 7")
	if f.All.Requests != 12 {
		t.Errorf("%d requests in all", f.All.Requests)
	}
}

// TestSamplerBesideReloads: routes come and go while all of very many are looked at.
func TestSamplerBesideReloads(t *testing.T) {
	m := NewMetrics("v1.2.3")
	kept := m.Scope()
	for i := range 5000 {
		kept.Route(fmt.Sprint("kept ", i))
	}
	kept.Route("asked").Observe(&exchange.Facts{Status: 200})
	var reloading sync.WaitGroup
	reloading.Go(func() {
		for range 20 {
			next := m.Scope()
			for i := range 5000 {
				next.Route(fmt.Sprint("gone ", i))
			}
			next.Close()
		}
	})
	f := m.Sampler(2).Figures()
	reloading.Wait()
	if len(f.Routes) != 1 || f.Routes[0].Name != "asked" {
		t.Errorf("got %v, want the route that was asked for", f.Routes)
	}
}
