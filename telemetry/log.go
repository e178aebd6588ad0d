package telemetry

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
)

// timeFormat is RFC 3339 with microseconds.
const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

const pidField = "pid"

// Log is the events log: one line for what an operator should know of. Loggers
// derived from it follow its level. It is safe for any goroutine.
type Log struct {
	zerolog.Logger
	least  *threshold
	events *eventWriter // nil where out is no file
}

// NewLog returns a log at level info that writes JSON to out, or lines for people
// where out is a terminal. To a file, a pipe or a terminal lines are written at
// once, but by a goroutine of its own: a file system that is full, or a pipe that
// nobody reads, holds nobody up. Call Flush before the process ends. JSON tells
// the process: in an upgrade two write to the same stream.
func NewLog(out io.Writer) *Log {
	// zerolog's own level leaves out trace and is the same for all loggers; ours
	// decides alone.
	zerolog.SetGlobalLevel(zerolog.TraceLevel)
	l := &Log{least: new(threshold)}
	if f, isFile := out.(*os.File); isFile {
		l.events = newEventWriter(f, l.tellLost)
		out = l.events
		if isTerminal(f) {
			out = pretty(l.events)
		}
	} else {
		out = zerolog.SyncWriter(out)
	}
	l.least.Store(int32(zerolog.InfoLevel))
	l.Logger = zerolog.New(out).With().Int(pidField, os.Getpid()).Logger().Level(zerolog.TraceLevel).Sample(l.least).Hook(zerolog.HookFunc(stamp))
	return l
}

// tellLost is called once lines can be written again.
func (l *Log) tellLost(lost uint64) {
	l.Warn().Uint64("lines", lost).Msg("lines of this log were lost; they could not be written")
}

// Flush waits until what was logged is written, but no longer than limit.
func (l *Log) Flush(limit time.Duration) {
	if l.events != nil {
		l.events.flush(limit)
	}
}

// Lost returns how many lines could not be written.
func (l *Log) Lost() uint64 {
	if l.events == nil {
		return 0
	}
	l.events.mu.Lock()
	defer l.events.mu.Unlock()
	return l.events.lost
}

var levels = map[string]zerolog.Level{
	"trace": zerolog.TraceLevel,
	"debug": zerolog.DebugLevel,
	"info":  zerolog.InfoLevel,
	"warn":  zerolog.WarnLevel,
	"error": zerolog.ErrorLevel,
}

// SetLevel changes the least severe level written, from the next event on: trace,
// debug, info, warn or error. It changes nothing for another word.
func (l *Log) SetLevel(level string) error {
	v, ok := levels[level]
	if !ok {
		return fmt.Errorf("unknown log level %q; have trace, debug, info, warn, error", level)
	}
	l.least.Store(int32(v))
	return nil
}

// LevelName returns the level in force.
func (l *Log) LevelName() string { return zerolog.Level(l.least.Load()).String() }

// threshold is a level that can change while loggers use it: they ask it before
// an event is made, as they would ask a sampler.
type threshold struct{ atomic.Int32 }

// Sample implements zerolog.Sampler.
func (t *threshold) Sample(l zerolog.Level) bool { return int32(l) >= t.Load() }

func stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, time.Now().UTC().Format(timeFormat))
}

func isTerminal(f *os.File) bool {
	// f.Fd would take f out of non-blocking mode.
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	terminal := false
	err = c.Control(func(fd uintptr) { terminal = isatty.IsTerminal(fd) || isatty.IsCygwinTerminal(fd) })
	return err == nil && terminal
}

func pretty(out io.Writer) io.Writer {
	return zerolog.ConsoleWriter{
		Out:             out,
		NoColor:         os.Getenv("TERM") == "dumb",
		FormatTimestamp: localTime,
		FieldsExclude:   []string{pidField},
	}
}

// localTime shortens an event's time to the clock on the operator's wall.
func localTime(v any) string {
	s, _ := v.(string)
	t, err := time.Parse(timeFormat, s)
	if err != nil {
		return s
	}
	return t.Local().Format("15:04:05.000")
}
