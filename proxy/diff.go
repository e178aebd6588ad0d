package proxy

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/upstream"
)

// Changes is what putting one config in force in place of another does.
type Changes struct {
	// Listeners are named by their address.
	Listeners   Section `json:"listeners"`
	Upstreams   Section `json:"upstreams"`
	Middlewares Section `json:"middlewares"`
	Routes      Section `json:"routes"`
	// Settings are those of all other sections, limits and log among them.
	Settings []config.Difference `json:"settings"`
}

// Section is what becomes of the parts of one section, by name. A part that is
// renamed counts as removed and added; the order in the file does not matter.
type Section struct {
	Added   []string     `json:"added"`
	Removed []string     `json:"removed"`
	Changed []PartChange `json:"changed"`
	Kept    []string     `json:"kept"` // they do not notice
	// KeptOmitted is how many more are kept than are named, in a journal.
	KeptOmitted int `json:"kept_omitted,omitempty"`
}

// PartChange is how one part differs.
type PartChange struct {
	Name     string              `json:"name"`
	Settings []config.Difference `json:"settings"`
	Targets  *TargetChanges      `json:"targets,omitempty"` // of an upstream
}

// TargetChanges is what becomes of the targets of a changed upstream, by address.
type TargetChanges struct {
	Added   []string     `json:"added"`
	Removed []string     `json:"removed"` // connections end with the exchange they are in
	Changed []PartChange `json:"changed"` // their weight, say
	Kept    []string     `json:"kept"`
	// ConnectionsKept says whether those that are neither added nor removed
	// keep their connections. Load figures they keep in any case.
	ConnectionsKept bool `json:"connections_kept"`
}

// Diff tells what putting next in force in place of prev does.
func Diff(prev, next *config.Config) *Changes {
	return &Changes{
		Listeners:   compareParts(listenersOf(prev), listenersOf(next), nil),
		Upstreams:   compareParts(prev.Upstreams, next.Upstreams, diffUpstream),
		Middlewares: compareParts(prev.Middlewares, next.Middlewares, nil),
		Routes:      compareRoutes(prev.Routes, next.Routes),
		Settings:    emptyList(config.Differences(theRest(prev), theRest(next))),
	}
}

// Short returns the changes with so many names of each section's kept parts at
// most, which keep nothing of a config in memory.
func (c *Changes) Short(most int) *Changes {
	short := *c
	for _, s := range []*Section{&short.Listeners, &short.Upstreams, &short.Middlewares, &short.Routes} {
		all := s.Kept
		s.Kept = make([]string, min(most, len(all)))
		for i := range s.Kept {
			s.Kept[i] = strings.Clone(all[i])
		}
		s.KeptOmitted = len(all) - len(s.Kept)
	}
	return &short
}

// Empty reports whether nothing would change.
func (c *Changes) Empty() bool {
	return len(c.Settings) == 0 && c.Listeners.same() && c.Upstreams.same() && c.Middlewares.same() && c.Routes.same()
}

func (s *Section) same() bool { return len(s.Added)+len(s.Removed)+len(s.Changed) == 0 }

// compareParts sorts the names of prev and next by what becomes of them. diff
// compares two parts of a name; nil compares their settings.
func compareParts[T any](prev, next map[string]T, diff func(a, b T) PartChange) Section {
	s := Section{Added: []string{}, Removed: []string{}, Changed: []PartChange{}, Kept: []string{}}
	for _, name := range slices.Sorted(maps.Keys(prev)) {
		b, stays := next[name]
		if !stays {
			s.Removed = append(s.Removed, name)
			continue
		}
		a := prev[name]
		if reflect.DeepEqual(a, b) {
			// Fast path. What is not alike may still mean the same.
			s.Kept = append(s.Kept, name)
			continue
		}
		var c PartChange
		if diff != nil {
			c = diff(a, b)
		} else {
			c.Settings = config.Differences(a, b)
		}
		if len(c.Settings) == 0 && c.Targets == nil {
			s.Kept = append(s.Kept, name)
			continue
		}
		c.Name, c.Settings = name, emptyList(c.Settings)
		s.Changed = append(s.Changed, c)
	}
	for _, name := range slices.Sorted(maps.Keys(next)) {
		if _, was := prev[name]; !was {
			s.Added = append(s.Added, name)
		}
	}
	return s
}

func diffUpstream(a, b config.Upstream) PartChange {
	targets := compareParts(targetsOf(&a), targetsOf(&b), nil)
	kept := upstream.SameConnections(&a, &b)
	a.Targets, b.Targets = nil, nil
	c := PartChange{Settings: config.Differences(a, b)}
	if len(c.Settings) > 0 || !targets.same() {
		c.Targets = &TargetChanges{
			Added: targets.Added, Removed: targets.Removed, Changed: targets.Changed, Kept: targets.Kept,
			ConnectionsKept: kept,
		}
	}
	return c
}

// listenersOf returns the listeners by address: two with port 0 are one name.
func listenersOf(c *config.Config) map[string]config.Listener {
	m := make(map[string]config.Listener, len(c.Listeners))
	for _, l := range c.Listeners {
		m[l.Address] = l
	}
	return m
}

// compareRoutes is compareParts for routes, of which there may be very many that
// mostly stand where they stood.
func compareRoutes(prev, next []config.Route) Section {
	s := Section{Added: []string{}, Removed: []string{}, Changed: []PartChange{}, Kept: make([]string, 0, len(next))}
	var byName map[string]int // of prev; made for the first that stands elsewhere
	stays := make([]bool, len(prev))
	for i, at := 0, 0; i < len(next); i, at = i+1, at+1 {
		name := next[i].Name
		if at >= len(prev) || prev[at].Name != name {
			if byName == nil {
				byName = make(map[string]int, len(prev))
				for j := range prev {
					byName[prev[j].Name] = j
				}
			}
			was := false
			if at, was = byName[name]; !was {
				s.Added = append(s.Added, name)
				at = i // what follows may still stand there
				continue
			}
		}
		stays[at] = true
		if sameRoute(&prev[at], &next[i]) {
			s.Kept = append(s.Kept, name)
		} else if settings := config.Differences(&prev[at], &next[i]); len(settings) == 0 {
			s.Kept = append(s.Kept, name)
		} else {
			s.Changed = append(s.Changed, PartChange{Name: name, Settings: settings})
		}
	}
	for j := range prev {
		if !stays[j] {
			s.Removed = append(s.Removed, prev[j].Name)
		}
	}
	slices.Sort(s.Added)
	slices.Sort(s.Removed)
	slices.Sort(s.Kept)
	slices.SortFunc(s.Changed, func(a, b PartChange) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// sameRoute reports whether two routes are alike; if not, they may still mean the same.
func sameRoute(a, b *config.Route) bool {
	return a.Path == b.Path && a.Upstream == b.Upstream && slices.Equal(a.Hosts, b.Hosts) && slices.Equal(a.Methods, b.Methods) &&
		slices.Equal(a.Middlewares, b.Middlewares) && maps.Equal(a.Headers, b.Headers) && maps.Equal(a.Query, b.Query) &&
		maps.Equal(a.Cookies, b.Cookies) && reflect.DeepEqual(a.Respond, b.Respond)
}

func targetsOf(u *config.Upstream) map[string]config.Target {
	m := make(map[string]config.Target, len(u.Targets))
	for _, t := range u.Targets {
		m[t.Address] = t
	}
	return m
}

// theRest is a config without what is compared part by part, and without what
// Sluice does not read.
func theRest(c *config.Config) config.Config {
	r := *c
	r.Schema, r.Listeners, r.Upstreams, r.Middlewares, r.Routes = "", nil, nil, nil, nil
	return r
}

// emptyList makes a list that JSON shows as [] where there is none.
func emptyList[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
