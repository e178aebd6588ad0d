package telemetry

import "github.com/sluiceproxy/sluice/config"

// Series is how many series a scrape can have.
type Series struct {
	Routes    int // of all routes
	Upstreams int // of all upstreams, without their targets
	Targets   int
	Rest      int // of the process, its config, log and sinks
}

// Total is all of them.
func (s Series) Total() int { return s.Routes + s.Upstreams + s.Targets + s.Rest }

// SeriesBound returns how many series there can be under a config: labels have
// values of the config and of lists that the program has, and none that a client
// could choose. There are fewer while reasons to fail have not come up and routes
// were not asked for. While the requests of a config before have not ended, those
// of what it had besides are there too.
func SeriesBound(cfg *config.Config) Series {
	targets, sinks := 0, 0
	for _, u := range cfg.Upstreams {
		targets += len(u.Targets)
	}
	cfg.Log.Access.Each(func(string, config.AccessSink) { sinks++ })
	bound := Series{Rest: runtimeSeries()}
	for _, d := range definitions {
		n := d.series()
		switch {
		case len(d.Labels) == 0:
			bound.Rest += n
		case d.Labels[0] == "route":
			bound.Routes += n * (len(cfg.Routes) + 1) // and requests that no route takes
		case d.Labels[0] == "sink":
			bound.Rest += n * sinks
		case d.Labels[0] != "upstream":
			bound.Rest += n
		case len(d.Labels) > 1 && d.Labels[1] == "target":
			bound.Targets += n * targets
		default:
			bound.Upstreams += n * len(cfg.Upstreams)
		}
	}
	return bound
}

// series is how many series there can be of one thing that d tells of.
func (d *Definition) series() int {
	if d.Kind == Histogram {
		return d.most * (len(bounds) + 3) // a bucket without an end, sum and count
	}
	return d.most
}

// runtimeSeries counts what is not of Sluice's own.
func runtimeSeries() int {
	gathered, _ := runtimeRegistry().Gather() // what cannot be had is not there
	n := 0
	for _, f := range gathered {
		for _, m := range f.GetMetric() {
			n++
			if s := m.GetSummary(); s != nil {
				n += len(s.GetQuantile()) + 1
			}
			if h := m.GetHistogram(); h != nil {
				n += len(h.GetBucket()) + 2
			}
		}
	}
	return n
}
