package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Warnings returns what is allowed and yet can hardly be meant: it joins a
// [PathError] for each, for [Place], and is nil where there is none.
func (c *Config) Warnings() error {
	var w warnings
	w.unused(c)
	for i, network := range c.TrustedProxies {
		if network.Bits() == 0 {
			w.add(fmt.Sprintf("trusted_proxies[%d]", i), "every client's X-Forwarded-* fields are believed, also made-up ones")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Upstreams)) {
		u := c.Upstreams[name]
		if u.Retry.Attempts == 1 && len(u.Retry.Statuses) > 0 {
			w.add(Path("upstreams", name, "retry", "statuses"), "they are not tried again, as attempts is 1")
		}
		if a := u.Concurrency.Adaptive; a != nil && u.Concurrency.Max > 0 && u.Concurrency.Max <= a.Min {
			w.add(Path("upstreams", name, "concurrency", "adaptive"),
				"it never changes the limit: max of the upstream is %d, and its own min is %d", u.Concurrency.Max, a.Min)
		}
	}
	w.access(&c.Log.Access)
	return errors.Join(w...)
}

type warnings []error

func (w *warnings) add(path, format string, args ...any) {
	*w = append(*w, &PathError{Path: path, Err: fmt.Errorf(format, args...)})
}

// unused warns of what no route names.
func (w *warnings) unused(c *Config) {
	upstreams, middlewares := make(map[string]bool), make(map[string]bool)
	for i := range c.Routes {
		upstreams[c.Routes[i].Upstream] = true
		for _, name := range c.Routes[i].Middlewares {
			middlewares[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Upstreams)) {
		if !upstreams[name] {
			w.add(Path("upstreams", name), "no route uses it")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Middlewares)) {
		if !middlewares[name] {
			w.add(Path("middlewares", name), "no route uses it")
		}
	}
}

// access warns of lines that are sampled and do not say for how many they stand.
func (w *warnings) access(a *AccessLog) {
	sampled, weighed, sinks := false, false, 0
	for _, s := range a.Stages {
		switch {
		case s.Filter != nil && s.Filter.Sample != nil && s.Filter.Sample.OneIn > 1:
			sampled, weighed = true, true
		case s.Map != nil && (len(s.Map.Keep) > 0 && !slices.Contains(s.Map.Keep, AccessWeight) || slices.Contains(s.Map.Drop, AccessWeight)):
			weighed = false
		}
	}
	a.Each(func(place string, s AccessSink) {
		sinks++
		if sampled && !(weighed && writesWeight(s.Format)) {
			w.add(place, "its lines are a sample, and the field weight, which says for how many each stands, is not written")
		}
	})
	if sinks == 0 && len(a.Stages) > 0 {
		w.add("log.access.stages", "nothing is logged: path is off and there are no sinks")
	}
}

// writesWeight reports whether a format writes the weight where a record has one.
func writesWeight(format string) bool {
	switch format {
	case FormatJSON:
		return true
	case FormatCommon, FormatCombined:
		return false
	}
	parts, err := ParseTemplate(format)
	return err != nil || slices.ContainsFunc(parts, func(p TemplatePart) bool { return p.Field == AccessWeight })
}
