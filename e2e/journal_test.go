package e2e

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// journal is the lines a process has written so far. It may be used from any
// goroutine.
type journal struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and replaced when there is more, or the end
	ended bool
}

func newJournal() *journal { return &journal{more: make(chan struct{})} }

// take reads lines until r ends.
func (j *journal) take(r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		j.add(s.Text(), false)
	}
	j.add("", true)
}

func (j *journal) add(line string, end bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if end {
		j.ended = true
	} else {
		j.lines = append(j.lines, line)
	}
	close(j.more)
	j.more = make(chan struct{})
}

// mark is where the journal ends now; see after.
func (j *journal) mark() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.lines)
}

// String is all lines.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// after waits for a line behind mark that has all the texts, and returns it and
// the mark behind it.
func (j *journal) after(t testing.TB, mark int, texts ...string) (string, int) {
	t.Helper()
	late := time.After(patience)
	for {
		j.mu.Lock()
		for ; mark < len(j.lines); mark++ {
			if line := j.lines[mark]; hasAll(line, texts) {
				j.mu.Unlock()
				return line, mark + 1
			}
		}
		more, ended := j.more, j.ended
		j.mu.Unlock()
		failed := ""
		if ended {
			failed = "the output has ended"
		} else {
			select {
			case <-more:
			case <-late:
				failed = fmt.Sprintf("not within %s", patience)
			}
		}
		if failed != "" {
			t.Fatalf("no line with %q: %s; lines:\n%s", texts, failed, j)
		}
	}
}

func hasAll(line string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(line, text) {
			return false
		}
	}
	return true
}
