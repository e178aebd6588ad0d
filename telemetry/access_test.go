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

	"github.com/sluiceproxy/sluice/config"
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
func noTrouble(t *testing.T) func(AccessEvent) {
	return func(e AccessEvent) { t.Errorf("told %+v", e) }
}

// logTo is the access log that has a path and nothing else.
func logTo(path string) config.AccessLog { return config.AccessLog{Path: path, Format: "json"} }

func openAccess(t testing.TB, def config.AccessLog, m *Metrics, tell func(AccessEvent)) *AccessLog {
	t.Helper()
	a, err := OpenAccess(def, AccessOptions{Metrics: m, Tell: tell})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func open(t testing.TB, path string, m *Metrics, tell func(AccessEvent)) *AccessLog {
	t.Helper()
	return openAccess(t, logTo(path), m, tell)
}

// newAccess returns a log that writes to a file that is open already.
func newAccess(f *os.File, m *Metrics, tell func(AccessEvent)) *AccessLog {
	held := new(heldSinks)
	def := config.AccessSink{Type: "file", Path: "pipe", Buffer: 8 << 20}
	s := newSink(def, &fileOutput{file: f}, m.sink("file:pipe", held), tell)
	s.quiet = 10 * time.Millisecond
	s.start()
	return &AccessLog{
		groups: []group{{format: firstShape().format("json"), sinks: []*sink{s}}}, sinks: []*sink{s},
		release: func() { m.releaseSinks(held) }, filtered: &m.filtered,
	}
}

// counters returns those of the log's only sink.
func (a *AccessLog) counters() *sinkCounters { return a.sinks[0].counters }

func closeLog(t testing.TB, a *AccessLog) {
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
}

func TestAccessLogMetrics(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	m := NewMetrics("")
	a := open(t, path, m, noTrouble(t))
	a.Write(sample())
	eventually(t, "the line is written", func() bool { return a.counters().lines.Load() == 1 })
	name := `sink="file:` + path + `"`
	want(t, scrape(t, m), "sluice_access_log_lines_total{"+name+"}", "1",
		`sluice_access_log_dropped_total{cause="behind",`+name+`}`, "0", "sluice_access_log_trouble{"+name+"}", "0",
		"sluice_access_log_filtered_total", "0")
	closeLog(t, a)
	if text := scrape(t, m); len(text["sluice_access_log_lines_total{"+name+"}"]) > 0 {
		t.Error("the series of a sink outlive it")
	}
}

func TestAccessLogWritesSoonWithoutMore(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	a := newAccess(w, NewMetrics(""), noTrouble(t))
	lines := bufio.NewReader(r)
	for _, n := range []int{1, 1, 3 * blockSize / 2 / len(plainLine(sample())) /* more than a block */, 1} {
		for i := range n {
			writeURI(a, strconv.Itoa(i))
		}
		for i := range n {
			l, err := lines.ReadBytes('\n')
			if err != nil || *parseLine(t, l).URI != strconv.Itoa(i) {
				t.Fatalf("line %d of %d is %q, error %v", i, n, l, err)
			}
		}
	}
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
		def := logTo("off")
		def.Sinks = []config.AccessSink{{Type: "file", Path: path, Buffer: 1 << 20}}
		for place, def := range map[string]config.AccessLog{"log.access.path": logTo(path), "log.access.sinks[0].path": def} {
			_, err := OpenAccess(def, AccessOptions{Metrics: NewMetrics(""), Tell: noTrouble(t)})
			var at *config.PathError
			if err == nil || !strings.Contains(err.Error(), path) || !errors.As(err, &at) || at.Path != place {
				t.Errorf("%s: error is %v", path, err)
			}
		}
	}
}

func TestBlockedWriterBlocksNobody(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	m := NewMetrics("")
	told := make(chan AccessEvent, 10)
	a := newAccess(w, m, func(e AccessEvent) { told <- e })
	x := sample()
	total := 5 * (8 << 20) / 4 / len(plainLine(x))
	for range total {
		a.Write(x) // would hang the test
	}
	dropped := a.counters().behind.Load()
	if dropped == 0 {
		t.Fatal("nothing was dropped")
	}
	if e := <-told; !errors.Is(e.Err, errBehind) || e.Sink != "file:pipe" {
		t.Errorf("told %+v", e)
	}
	want(t, scrape(t, m), `sluice_access_log_trouble{sink="file:pipe"}`, "1")

	// When the reader comes, all that was not dropped arrives.
	read := make(chan int)
	go func() {
		n := 0
		for s := bufio.NewScanner(r); s.Scan(); n++ {
			parseLine(t, append(s.Bytes(), '\n'))
		}
		read <- n
	}()
	if e := <-told; e.Err != nil || e.Lost > dropped {
		t.Errorf("told %+v, and %d are lost", e, dropped)
	}
	want(t, scrape(t, m), `sluice_access_log_trouble{sink="file:pipe"}`, "0")
	closeLog(t, a)
	if n := <-read; uint64(n)+dropped != uint64(total) || uint64(n) != a.counters().lines.Load() {
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
	a := newAccess(w, m, func(AccessEvent) {})
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
	if n := a.counters().lines.Load() + a.counters().failed.Load(); n != total || a.counters().failed.Load() == 0 {
		t.Errorf("%d lines accounted for, %d failed", n, a.counters().failed.Load())
	}
	a.Write(sample())
	if n := a.counters().lines.Load() + a.counters().failed.Load(); n != total+1 {
		t.Error("a line after the end is not counted")
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
	const maxBlocks = 16
	q := queue{blocks: maxBlocks}
	one := make([]byte, blockSize/2)
	n := 0
	for q.put(nil, one) != behind {
		n++
	}
	if n*len(one) != maxBlocks*blockSize {
		t.Errorf("%d bytes wait, want %d", n*len(one), maxBlocks*blockSize)
	}
	for more := true; more; {
		var b []byte
		b, more = q.take(true)
		q.release(b)
	}
	if len(q.spare) > maxSpare || cap(q.full) > 2*maxBlocks {
		t.Errorf("%d blocks are kept", len(q.spare))
	}
	if o := q.put(one[:100], one[100:]); o != first {
		t.Errorf("outcome is %d after the queue was emptied", o)
	}
}

// The writer is woken for a batch, and before a small queue is full.
func TestQueueTellsOfBatches(t *testing.T) {
	for blocks, want := range map[int]int{2: 1, 3: 1, 5: 2, 8: batch, 128: batch} {
		q := queue{blocks: blocks}
		for range 3 {
			if o := q.put(nil, make([]byte, blockSize)); o != first {
				t.Errorf("of %d blocks, the first line: outcome %d", blocks, o)
			}
			n := 1
			for q.put(nil, make([]byte, blockSize)) != filled {
				n++
			}
			if n != want {
				t.Errorf("of %d blocks, %d are full before the writer is woken, want %d", blocks, n, want)
			}
			for more := true; more; {
				var b []byte
				b, more = q.take(true)
				q.release(b)
			}
		}
	}
}

func TestWriteDoesNotAllocate(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(writeOnly{}, r) }()
	a := newAccess(w, NewMetrics(""), noTrouble(t))
	x := sample()
	for range 5000 { // the blocks are made
		a.Write(x)
	}
	noAllocs(t, func() { a.Write(x) })
	closeLog(t, a)
}

type writeOnly struct{}

func (writeOnly) Write(b []byte) (int, error) { return len(b), nil }
