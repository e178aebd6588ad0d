package telemetry

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestTornLine fills a pipe that is cut off and goes on with a file: the line
// that was cut must not take the next one with it.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	o := &fileOutput{file: f, torn: true}
	good := plainLine(sample())
	if _, err := f.Write(good[:20]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if done, lost, err := o.write(t.Context(), good); done != len(good) || lost != 0 || err != nil {
			t.Errorf("%d, %d, %v", done, lost, err)
		}
	}
	if err := o.close(); err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || string(b) != string(good[:20])+"\n"+string(good)+string(good) {
		t.Errorf("file is %q, error %v", b, err)
	}
}

func TestFailingFile(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	m := NewMetrics("")
	told := make(chan AccessEvent, 100)
	a := open(t, "/dev/full", m, func(e AccessEvent) { told <- e })
	const batches = 3
	for i := range batches {
		a.Write(sample())
		eventually(t, "the batch failed", func() bool { return a.counters().failed.Load() == uint64(i+1) })
	}
	if e := <-told; !errors.Is(e.Err, syscall.ENOSPC) {
		t.Errorf("told %+v", e)
	}
	const name = `sink="file:/dev/full"`
	want(t, scrape(t, m), `sluice_access_log_dropped_total{cause="failed",`+name+`}`, strconv.Itoa(batches),
		"sluice_access_log_lines_total{"+name+"}", "0", "sluice_access_log_trouble{"+name+"}", "1")
	closeLog(t, a)
	if len(told) > 0 {
		t.Errorf("told again: %+v", <-told)
	}
}

// TestRotationIsNoticed moves the file away, and removes the next one, without a
// word to the log.
func TestRotationIsNoticed(t *testing.T) {
	dir := t.TempDir()
	path, old := filepath.Join(dir, "access.log"), filepath.Join(dir, "access.log.1")
	m := NewMetrics("")
	a := open(t, path, m, noTrouble(t))
	writeURI(a, "/before")
	eventually(t, "the line is in the file", func() bool { return len(uris(t, path)) == 1 })
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	n := 0
	untilThere := func() {
		eventually(t, "lines are in a new file", func() bool {
			writeURI(a, strconv.Itoa(n))
			n++
			time.Sleep(10 * time.Millisecond)
			_, err := os.Stat(path)
			return err == nil
		})
	}
	untilThere()
	kept := len(uris(t, old))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	untilThere()
	closeLog(t, a)
	if got := uris(t, old); len(got) != kept || got[0] != "/before" {
		t.Errorf("the old file has %v", got)
	}
	if got := uris(t, path); got[len(got)-1] != strconv.Itoa(n-1) {
		t.Errorf("the new file has %v", got)
	}
	if lost := a.counters().lost(); lost > 0 {
		t.Errorf("%d lines are lost", lost)
	}
}

func TestReopenAfterRotation(t *testing.T) {
	dir := t.TempDir()
	path, old := filepath.Join(dir, "access.log"), filepath.Join(dir, "access.log.1")
	a := open(t, path, NewMetrics(""), noTrouble(t))
	writeURI(a, "/before")
	eventually(t, "the line is in the file", func() bool { return len(uris(t, path)) == 1 })
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	if err := a.Reopen(); err != nil {
		t.Fatal(err)
	}
	if err := a.Reopen(); err != nil {
		t.Fatal(err)
	}
	writeURI(a, "/after")
	closeLog(t, a)
	if err := a.Reopen(); err != nil {
		t.Fatal(err)
	}
	if got := uris(t, old); len(got) != 1 || got[0] != "/before" {
		t.Errorf("the old file has %v", got)
	}
	if got := uris(t, path); len(got) != 1 || got[0] != "/after" {
		t.Errorf("the new file has %v", got)
	}
}

func TestReopenFailsAndTheLogGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path, moved := filepath.Join(dir, "access.log"), dir+".old"
	told := make(chan AccessEvent, 10)
	a := open(t, path, NewMetrics(""), func(e AccessEvent) { told <- e })
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if err := a.Reopen(); err == nil {
		t.Error("no error for a folder that is gone")
	}
	writeURI(a, "/still")
	if e := <-told; !errors.Is(e.Err, os.ErrNotExist) {
		t.Errorf("told %+v", e)
	}
	closeLog(t, a)
	if got := uris(t, filepath.Join(moved, "access.log")); len(got) != 1 || got[0] != "/still" {
		t.Errorf("the file has %v", got)
	}
}
