package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLogWritesJSON(t *testing.T) {
	var b bytes.Buffer
	before := time.Now().Truncate(time.Microsecond)
	NewLog(&b).Info().Str("route", "api").Err(errors.New("a \"cause\"")).Msg("reload refused")
	var event struct {
		Level, Route, Error, Message string
		PID                          int
		Time                         time.Time
	}
	if err := json.Unmarshal(b.Bytes(), &event); err != nil {
		t.Fatalf("%v in %s", err, b.String())
	}
	if event.Level != "info" || event.Route != "api" || event.Error != `a "cause"` || event.Message != "reload refused" {
		t.Errorf("event is %+v", event)
	}
	if event.PID != os.Getpid() {
		t.Errorf("pid is %d", event.PID)
	}
	if event.Time.Before(before) || event.Time.After(time.Now()) || event.Time.Location() != time.UTC {
		t.Errorf("time is %v", event.Time)
	}
}

func TestLogLevelIsLive(t *testing.T) {
	var b bytes.Buffer
	l := NewLog(&b)
	derived := l.With().Str("part", "admin").Logger()
	log := func() string {
		b.Reset()
		l.Trace().Msg("t")
		derived.Debug().Msg("d")
		derived.Info().Msg("i")
		l.Warn().Msg("w")
		derived.Error().Msg("e")
		var got strings.Builder
		for line := range strings.Lines(b.String()) {
			var e struct{ Message string }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			got.WriteString(e.Message)
		}
		return got.String()
	}
	if got := log(); got != "iwe" {
		t.Errorf("at first %q is written", got)
	}
	for _, c := range [][2]string{{"trace", "tdiwe"}, {"debug", "diwe"}, {"info", "iwe"}, {"warn", "we"}, {"error", "e"}} {
		if err := l.SetLevel(c[0]); err != nil {
			t.Fatal(err)
		}
		if got := log(); got != c[1] || l.LevelName() != c[0] {
			t.Errorf("at %s (%s) %q is written, want %q", c[0], l.LevelName(), got, c[1])
		}
	}
	for _, bad := range []string{"", "loud", "INFO", "disabled"} {
		if err := l.SetLevel(bad); err == nil || l.LevelName() != "error" {
			t.Errorf("level %q: error %v, level %s", bad, err, l.LevelName())
		}
	}
}

func TestLogFromManyGoroutines(t *testing.T) {
	var b bytes.Buffer
	l := NewLog(&b)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				l.Info().Msg("m")
				_ = l.SetLevel("debug")
			}
		})
	}
	wg.Wait()
	n := 0
	for line := range strings.Lines(b.String()) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("mixed up: %s", line)
		}
		n++
	}
	if n != 400 {
		t.Errorf("%d lines", n)
	}
}

func TestPrettyLog(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	var b bytes.Buffer
	NewLog(pretty(&b)).Warn().Str("path", "config.json").Msg("reload refused")
	got := b.String()
	if !strings.HasSuffix(got, " WRN reload refused path=config.json\n") {
		t.Errorf("line is %q", got)
	}
	if _, err := time.Parse("15:04:05.000", strings.Fields(got)[0]); err != nil {
		t.Error(err)
	}
}

func TestTerminals(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isTerminal(f) {
		t.Error("a file is taken for a terminal")
	}
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo terminals here")
	}
	defer tty.Close()
	if !isTerminal(tty) {
		t.Error("a terminal is not taken for one")
	}
}

func TestEventsBelowTheLevelDoNotAllocate(t *testing.T) {
	l := NewLog(new(bytes.Buffer))
	noAllocs(t, func() { l.Debug().Str("a", "b").Msg("m") })
}
