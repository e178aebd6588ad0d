package telemetry

import (
	"context"
	"errors"
	"os"
	"reflect"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// AccessLog writes a line per exchange to its sinks. Each has a bounded queue and a
// goroutine of its own, so that one that is slow, full or away costs lines, which
// are counted, and never a request's time. It is safe for any goroutine.
type AccessLog struct {
	def     config.AccessLog
	filters []filter
	groups  []group
	sinks   []*sink
	fresh   []*sink // those that no earlier log had
	release func()  // the counters

	filtered *striped[filteredCell]
}

// group is the sinks whose lines are written the same way.
type group struct {
	text   string
	format format
	sinks  []*sink
}

// AccessOptions are what an access log needs from outside.
type AccessOptions struct {
	Metrics *Metrics
	// Tell is told what becomes of sinks, from goroutines that it may block.
	Tell func(AccessEvent)
	// Before is the log in force, or nil: its sinks are taken over where their
	// definition stays the same.
	Before *AccessLog
}

// OpenAccess opens what the sinks of def lead to as far as that is files, made if
// they are not there; what is reached over a network may be away. def was
// checked. Errors are [config.PathError]s, joined. The caller ends the log by
// Close, or by Replace where another has taken its place; so does one who finds
// that the log is not to take the place of the one before. A write to a closed pipe
// on stdout kills the process unless it ignores SIGPIPE.
func OpenAccess(def config.AccessLog, o AccessOptions) (*AccessLog, error) {
	a := &AccessLog{def: def, filtered: &o.Metrics.filtered}
	s := firstShape()
	for i := range def.Stages {
		if stage := &def.Stages[i]; stage.Filter != nil {
			a.filters = append(a.filters, compileFilter(stage.Filter, s))
		} else {
			s.apply(stage.Map)
		}
	}
	var errs []error
	held := new(heldSinks)
	a.release = func() { o.Metrics.releaseSinks(held) }
	def.Each(func(place string, def config.AccessSink) {
		text := def.Format
		def.Format = ""
		k, err := a.sink(def, o, held)
		if err != nil {
			if def.Type == config.SinkFile && place != "log.access.path" {
				place += ".path"
			}
			errs = append(errs, &config.PathError{Path: place, Err: err})
			return
		}
		a.sinks = append(a.sinks, k)
		a.group(text, s).add(k)
	})
	if len(errs) > 0 {
		for _, k := range a.fresh {
			_ = k.out.close() // nothing was written to it
		}
		a.release()
		return nil, errors.Join(errs...)
	}
	for _, k := range a.fresh {
		k.start()
	}
	return a, nil
}

// group returns the group of a format.
func (a *AccessLog) group(text string, s *shape) *group {
	for i := range a.groups {
		if a.groups[i].text == text {
			return &a.groups[i]
		}
	}
	a.groups = append(a.groups, group{text: text, format: s.format(text)})
	return &a.groups[len(a.groups)-1]
}

func (g *group) add(s *sink) { g.sinks = append(g.sinks, s) }

// sink returns the sink of a definition: that of the log before, or a new one,
// which is not started yet.
func (a *AccessLog) sink(def config.AccessSink, o AccessOptions, held *heldSinks) (*sink, error) {
	counters := o.Metrics.sink(def.Name(), held)
	if o.Before != nil {
		for _, s := range o.Before.sinks {
			if reflect.DeepEqual(s.def, def) {
				return s, nil
			}
		}
	}
	var out output
	switch def.Type {
	case config.SinkStdout:
		out = &fileOutput{file: os.Stdout, standard: true}
	case config.SinkStderr:
		out = &fileOutput{file: os.Stderr, standard: true}
	case config.SinkSyslog:
		out = newSyslogOutput(def.Address)
	case config.SinkNSQ:
		out = newNSQOutput(&def)
	default:
		f, err := openFileOutput(def.Path)
		if err != nil {
			return nil, err
		}
		out = f
	}
	s := newSink(def, out, counters, o.Tell)
	if def.Type == config.SinkSyslog {
		s.prefix, s.suffix = syslogHeader(&def)
	}
	a.fresh = append(a.fresh, s)
	return s, nil
}

// Is reports whether the log is what def says, so that it can stay.
func (a *AccessLog) Is(def config.AccessLog) bool { return reflect.DeepEqual(a.def, def) }

// Write logs an exchange that has ended, and keeps nothing of it. x.Head must be
// nil where no head was read. It neither blocks nor allocates.
func (a *AccessLog) Write(x *exchange.Exchange) {
	r := records.Get().(*record)
	r.x, r.weight = x, 1
	if a.passes(r) {
		for i := range a.groups {
			a.groups[i].write(r)
		}
	} else {
		a.filtered.own().n.Add(1)
	}
	r.x = nil
	records.Put(r)
}

func (a *AccessLog) passes(r *record) bool {
	for i := range a.filters {
		if !a.filters[i].pass(r) {
			return false
		}
	}
	return true
}

func (g *group) write(r *record) {
	r.line = g.format.append(r.line[:0], r)
	for _, s := range g.sinks {
		r.head = r.head[:0]
		if s.prefix != nil {
			r.head = append(r.clock.appendTime(append(r.head, s.prefix...), r.x.Start.Add(r.x.Duration)), s.suffix...)
		}
		s.put(r.head, r.line)
	}
}

var errBehind = errors.New("it does not keep up and its buffer is full")

// Reopen opens the files anew, after they were moved away; lines go to the new
// ones from the next batch on, at once if the writer is not held up. On an error
// a file goes on as it was. Sinks that notice this by themselves need it only to
// be in time.
func (a *AccessLog) Reopen() error {
	var errs []error
	for _, s := range a.sinks {
		if f, ok := s.out.(*fileOutput); ok {
			errs = append(errs, f.reopen())
		}
	}
	return errors.Join(errs...)
}

// Close writes what waits, all sinks at once, and ends them. Lines that come
// later are lost and counted. When ctx ends first, what still waits is lost, and
// Close returns an error. It may be called again.
func (a *AccessLog) Close(ctx context.Context) error { return a.Replace(ctx, nil) }

// Replace is Close for all sinks but those that next has taken over. next may be
// nil.
func (a *AccessLog) Replace(ctx context.Context, next *AccessLog) error {
	results := make(chan error)
	n := 0
	for _, s := range a.sinks {
		if next != nil && next.has(s) {
			continue
		}
		n++
		go func() { results <- s.close(ctx) }()
	}
	var errs []error
	for range n {
		errs = append(errs, <-results)
	}
	a.release()
	return errors.Join(errs...)
}

func (a *AccessLog) has(s *sink) bool {
	for _, other := range a.sinks {
		if other == s {
			return true
		}
	}
	return false
}
