package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mute listens, and takes connections and nothing that comes over them.
func mute(t *testing.T) string {
	t.Helper()
	l := listen(t, "tcp", "127.0.0.1:0")
	var held []net.Conn
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
			held = append(held, c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-taken
		for _, c := range held {
			_ = c.Close()
		}
	})
	return l.Addr().String()
}

// TestEverySinkInTrouble has each kind of sink, and the receiver of spans, be full or
// hang at the same time: every request is answered, what is lost is counted and told
// of once for each, and the sink that works has every line.
func TestEverySinkInTrouble(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	dir, admin := t.TempDir(), reserve(t)
	good, fifo := filepath.Join(dir, "access.log"), filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0) // it never reads
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	syslog, queue := mute(t), mute(t)
	p := serve(t, tracing(mute(t), `, "sample": 1`)+fmt.Sprintf(`"admin": {"address": %q},
"log": {"access": {"format": "{uri} {uri} {uri} {uri} {uri} {uri}", "sinks": [
  {"type": "file", "path": %q},
  {"type": "file", "path": "/dev/full", "buffer": "128KiB"},
  {"type": "file", "path": %q, "buffer": "128KiB"},
  {"type": "syslog", "address": "tcp:%s", "buffer": "128KiB"},
  {"type": "nsq", "addresses": [%q], "topic": "access", "buffer": "128KiB"}]}},
"routes": [{"name": "all", "path": "/*", "respond": {"body": "ok"}}]`, admin, good, fifo, syslog, queue))
	c := client(t)
	pad, sent := strings.Repeat("x", 1900), 0
	ask := func() {
		for range 50 {
			get(t, c, fmt.Sprintf("http://%s/%d/%s", p.addr, sent, pad)).wants(t, 200, "ok")
			sent++
		}
	}
	lost := func() map[string]int {
		sums := make(map[string]int)
		for line := range strings.Lines(get(t, c, "http://"+admin+"/metrics").body) {
			name, value, ok := strings.Cut(strings.TrimPrefix(line, "sluice_"), "} ")
			series, labels, _ := strings.Cut(name, "{")
			if !ok || !strings.HasSuffix(series, "_dropped_total") {
				continue
			}
			of := series // of spans
			if _, sink, found := strings.Cut(labels, `sink="`); found {
				of, _, _ = strings.Cut(sink, ":")
				if strings.Contains(sink, "fifo") {
					of = "fifo"
				} else if strings.Contains(sink, good) {
					of = "good"
				}
			}
			n := 0
			_, _ = fmt.Sscan(value, &n)
			sums[of] += n
		}
		return sums
	}
	until(t, "every sink but one loses lines, and spans are lost", ask, func() bool {
		sums := lost()
		return sums["file"] > 0 && sums["fifo"] > 0 && sums["syslog"] > 0 && sums["nsq"] > 0 && sums["trace_spans_dropped_total"] > 0
	})
	ask()
	until(t, "the one that works has all lines", func() {}, func() bool {
		b, err := os.ReadFile(good)
		return err == nil && bytes.Count(b, []byte("\n")) == sent
	})
	if sums := lost(); sums["good"] != 0 {
		t.Errorf("lost are %v", sums)
	}
	for _, part := range []string{`"sink":"file:/dev/full"`, "fifo", `"sink":"syslog:`, `"sink":"nsq:`, "tracing in trouble"} {
		p.log.after(t, 0, "in trouble", part)
		n := 0
		for line := range strings.Lines(p.log.String()) {
			if strings.Contains(line, "in trouble") && strings.Contains(line, part) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("of %s it is told %d times", part, n)
		}
	}
}
