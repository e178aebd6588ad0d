package telemetry

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is for what should take no time and may on a busy machine.
const patience = 20 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// noTrouble fails the test when lines are lost.
func noTrouble(t *testing.T) func(error) {
	return func(err error) { t.Errorf("trouble: %v", err) }
}

func open(t *testing.T, path string, m *Metrics, trouble func(error)) *AccessLog {
	t.Helper()
	a, err := OpenAccess(path, m, trouble)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func closeLog(t *testing.T, a *AccessLog) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// uris returns the uri of each line of a file, in order.
func uris(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for l := range bytes.Lines(b) {
		all = append(all, *parseLine(t, l).URI)
	}
	return all
}

func writeURI(a *AccessLog, uri string) {
	x := sample()
	x.Head.Target = []byte(uri)
	a.Write(x)
}

func TestAccessLogKeepsAllInOrder(t *testing.T) {
	const n = 5000 // some blocks full, one not
	path := filepath.Join(t.TempDir(), "access.log")
	m := NewMetrics("")
	for _, from := range []int{0, n / 2} {
		// The second one appends.
		a := open(t, path, m, noTrouble(t))
		for i := from; i < from+n/2; i++ {
			writeURI(a, strconv.Itoa(i))
		}
		closeLog(t, a)
	}
	got := uris(t, path)
	if len(got) != n {
		t.Fatalf("%d lines, want %d", len(got), n)
	}
	for i, uri := range got {
		if uri != strconv.Itoa(i) {
			t.Fatalf("line %d is %s", i, uri)
		}
	}
	want(t, scrape(t, m), "sluice_access_log_lines_total", strconv.Itoa(n), `sluice_access_log_dropped_total{cause="behind"}`, "0")
}

func TestAccessLogWritesSoonWithoutMore(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	a := newAccess("pipe", w, NewMetrics(""), noTrouble(t))
	lines := bufio.NewReader(r)
	for i := range 3 {
		writeURI(a, strconv.Itoa(i))
		l, err := lines.ReadBytes('\n')
		if err != nil || *parseLine(t, l).URI != strconv.Itoa(i) {
			t.Fatalf("line %d is %q, error %v", i, l, err)
		}
	}
	closeLog(t, a)
}

func TestAccessLogOff(t *testing.T) {
	a := open(t, "off", NewMetrics(""), noTrouble(t))
	a.Write(sample())
	if err := a.Reopen(); err != nil || a.Path() != "off" {
		t.Errorf("path %s, reopen: %v", a.Path(), err)
	}
	closeLog(t, a)
	closeLog(t, a)
}

func TestAccessLogCannotOpen(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// A directory, a missing one, and a pipe without a reader, which must not hang.
	for _, path := range []string{dir, filepath.Join(dir, "no", "access.log"), fifo} {
		if _, err := OpenAccess(path, NewMetrics(""), noTrouble(t)); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v", path, err)
		}
	}
}

func TestBlockedWriterBlocksNobody(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	m := NewMetrics("")
	told := make(chan error, 10)
	a := newAccess("pipe", w, m, func(err error) { told <- err })
	x := sample()
	total := 5 * maxWaiting / 4 / len(appendLine(nil, x))
	for range total {
		a.Write(x) // would hang the test
	}
	dropped := m.access.behind.Load()
	if dropped == 0 {
		t.Fatal("nothing was dropped")
	}
	if err := <-told; !errors.Is(err, errBehind) || !strings.Contains(err.Error(), "access log pipe") {
		t.Errorf("told %v", err)
	}

	// When the reader comes, all that was not dropped arrives.
	read := make(chan int)
	go func() {
		n := 0
		for s := bufio.NewScanner(r); s.Scan(); n++ {
			parseLine(t, append(s.Bytes(), '\n'))
		}
		read <- n
	}()
	closeLog(t, a)
	if n := <-read; uint64(n)+dropped != uint64(total) || uint64(n) != m.access.lines.Load() {
		t.Errorf("%d read and %d dropped of %d", n, dropped, total)
	}
	if len(told) > 0 {
		t.Errorf("told again: %v", <-told)
	}
}

func TestCloseGivesUpOnBlockedWriter(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m := NewMetrics("")
	a := newAccess("pipe", w, m, func(error) {})
	const total = 2000 // more than a pipe holds
	for range total {
		a.Write(sample())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	// The writer ends all the same, and accounts for every line.
	closeLog(t, a)
	if n := m.access.lines.Load() + m.access.failed.Load(); n != total || m.access.failed.Load() == 0 {
		t.Errorf("%d lines accounted for, %d failed", n, m.access.failed.Load())
	}
	a.Write(sample())
	if n := m.access.lines.Load() + m.access.failed.Load(); n != total+1 {
		t.Error("a line after the end is not counted")
	}
}

func TestFailingFile(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	m := NewMetrics("")
	told := make(chan error, 100)
	a := open(t, "/dev/full", m, func(err error) { told <- err })
	const batches = 3
	for i := range batches {
		a.Write(sample())
		eventually(t, "the batch failed", func() bool { return m.access.failed.Load() == uint64(i+1) })
	}
	if err := <-told; !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("told %v", err)
	}
	closeLog(t, a)
	if len(told) > 0 {
		t.Errorf("told again: %v", <-told)
	}
	want(t, scrape(t, m), `sluice_access_log_dropped_total{cause="failed"}`, strconv.Itoa(batches), "sluice_access_log_lines_total", "0")
}

// TestTornLine fills a pipe that is cut off and goes on with a file: the line
// that was cut must not take the next one with it.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	a := &AccessLog{path: path, counters: &NewMetrics("").access, file: f, losing: make(chan error, 1)}
	good := appendLine(nil, sample())
	if _, err := f.Write(good[:20]); err != nil {
		t.Fatal(err)
	}
	a.torn = true
	a.writeBlock(good)
	a.writeBlock(good)
	a.closeFile()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != string(good[:20])+"\n"+string(good)+string(good) {
		t.Errorf("file is %q, error %v", b, err)
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
	a := open(t, path, NewMetrics(""), noTrouble(t))
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if err := a.Reopen(); err == nil {
		t.Error("no error for a folder that is gone")
	}
	writeURI(a, "/still")
	closeLog(t, a)
	if got := uris(t, filepath.Join(moved, "access.log")); len(got) != 1 || got[0] != "/still" {
		t.Errorf("the file has %v", got)
	}
}

func TestAccessLogFromManyGoroutines(t *testing.T) {
	const goroutines, each = 8, 500
	path := filepath.Join(t.TempDir(), "access.log")
	m := NewMetrics("")
	a := open(t, path, m, noTrouble(t))
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				writeURI(a, strconv.Itoa(g*each+i))
				if i%100 == 0 {
					if err := a.Reopen(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	closeLog(t, a)
	seen := make(map[string]bool)
	for _, uri := range uris(t, path) {
		seen[uri] = true
	}
	if len(seen) != goroutines*each {
		t.Errorf("%d different lines, want %d", len(seen), goroutines*each)
	}
}

func TestQueueIsBounded(t *testing.T) {
	var q queue
	one := make([]byte, blockSize/2)
	n := 0
	for q.put(one) != behind {
		n++
	}
	if n*len(one) != maxWaiting {
		t.Errorf("%d bytes wait, want %d", n*len(one), maxWaiting)
	}
	for more := true; more; {
		var b []byte
		b, more = q.take(true)
		q.release(b)
	}
	if len(q.spare) > maxSpare || cap(q.full) > 2*maxBlocks {
		t.Errorf("%d blocks are kept", len(q.spare))
	}
	if o := q.put(one); o != first {
		t.Errorf("outcome is %d after the queue was emptied", o)
	}
}

func TestWriteDoesNotAllocate(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(writeOnly{}, r) }()
	a := newAccess("pipe", w, NewMetrics(""), noTrouble(t))
	x := sample()
	for range 5000 { // the blocks are made
		a.Write(x)
	}
	noAllocs(t, func() { a.Write(x) })
	closeLog(t, a)
}

type writeOnly struct{}

func (writeOnly) Write(b []byte) (int, error) { return len(b), nil }

func BenchmarkAccessWrite(b *testing.B) {
	a, err := OpenAccess(os.DevNull, NewMetrics(""), func(error) {})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		x := sample()
		for pb.Next() {
			a.Write(x)
		}
	})
	if err := a.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	if n := a.counters.behind.Load(); n > 0 {
		b.ReportMetric(float64(n)/float64(b.N), "dropped/op")
	}
}
