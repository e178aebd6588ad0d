package telemetry

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// received5424 matches a message of RFC 5424 with an access line.
var received5424 = regexp.MustCompile(`^<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\S+) (\S+) (\d+) access - (\{.*\})$`)

// syslogLog opens a log with one syslog sink.
func syslogLog(t *testing.T, m *Metrics, tell func(AccessEvent), sink string) *AccessLog {
	t.Helper()
	a := openAccess(t, parsed(t, `"sinks": [{ "type": "syslog", "buffer": "128KiB", `+sink+` }]`), m, tell)
	a.sinks[0].quiet = 10 * time.Millisecond
	return a
}

// checkMessage checks a message with the line of a URI.
func checkMessage(t *testing.T, message, priority, app, uri string) {
	t.Helper()
	part := received5424.FindStringSubmatch(message)
	host, _ := os.Hostname()
	// The time is that of the end: a sample begins at 06:05:02.004321 and takes 12 ms.
	if part == nil || part[1] != priority || part[2] != "2025-03-09T06:05:02.016667Z" || part[3] != host || part[4] != app ||
		part[5] != strconv.Itoa(os.Getpid()) {
		t.Fatalf("message %q", message)
	}
	if got := *parseLine(t, []byte(part[6]+"\n")).URI; got != uri {
		t.Fatalf("uri %s, want %s", got, uri)
	}
}

func TestSyslogDatagrams(t *testing.T) {
	for _, network := range []string{"udp", "unixgram"} {
		address := "127.0.0.1:0"
		if network == "unixgram" {
			address = filepath.Join(t.TempDir(), "log")
		}
		receiver, err := net.ListenPacket(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer receiver.Close()
		sink, priority, app := fmt.Sprintf(`"address": "udp:%s"`, receiver.LocalAddr()), "134", "sluice"
		if network == "unixgram" {
			sink, priority, app = fmt.Sprintf(`"address": "unix:%s", "facility": "local7", "app_name": "edge-1"`, address), "190", "edge-1"
		}
		m := NewMetrics("")
		a := syslogLog(t, m, noTrouble(t), sink)
		const n = 20
		for i := range n {
			writeURI(a, strconv.Itoa(i))
		}
		buf := make([]byte, 1<<16)
		for i := range n {
			if err := receiver.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			size, _, err := receiver.ReadFrom(buf)
			if err != nil {
				t.Fatal(err)
			}
			checkMessage(t, string(buf[:size]), priority, app, strconv.Itoa(i))
		}
		closeLog(t, a)
		if c := a.counters(); c.lines.Load() != n || c.lost() != 0 {
			t.Errorf("%s: %d lines, %d lost", network, c.lines.Load(), c.lost())
		}
	}
}

// readFrame reads a message with its length before it (RFC 6587).
func readFrame(r *bufio.Reader) (string, error) {
	length, err := r.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
	if err != nil {
		return "", err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(r, message)
	return string(message), err
}

// TestSyslogOverTCP closes the connection and the listener in between: lines wait,
// and come when there is a receiver again.
func TestSyslogOverTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	told := make(chan AccessEvent, 100)
	m := NewMetrics("")
	a := syslogLog(t, m, func(e AccessEvent) { told <- e }, fmt.Sprintf(`"address": "tcp:%s"`, address))
	for round := range 3 {
		for i := range 10 {
			writeURI(a, fmt.Sprintf("%d.%d", round, i))
		}
		if round > 0 {
			if e := <-told; e.Err == nil || e.Sink != "syslog:tcp:"+address {
				t.Fatalf("told %+v", e)
			}
			if listener, err = net.Listen("tcp", address); err != nil {
				t.Fatal(err)
			}
		}
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		for i := range 10 {
			message, err := readFrame(r)
			if err != nil {
				t.Fatal(err)
			}
			checkMessage(t, message, "134", "sluice", fmt.Sprintf("%d.%d", round, i))
		}
		if round > 0 {
			if e := <-told; e.Err != nil || e.Lost != 0 {
				t.Fatalf("told %+v", e)
			}
		}
		listener.Close()
		conn.Close()
		eventually(t, "the lines are counted", func() bool { return a.counters().lines.Load() == uint64(10*round+10) })
		// The sink sees that the connection is closed before the next line comes.
		out := a.sinks[0].out.(*syslogOutput)
		eventually(t, "the connection is closed on our side too", func() bool {
			return errors.Is(out.conn.SetDeadline(time.Time{}), net.ErrClosed)
		})
	}
	closeLog(t, a)
	if c := a.counters(); c.lines.Load() != 30 || c.lost() != 0 || len(told) > 0 {
		t.Errorf("%d lines, %d lost, %d told", c.lines.Load(), c.lost(), len(told))
	}
}

// TestStuckReceiver: one that takes nothing costs lines, which are counted and told
// once, and no time; the end does not wait for it longer than it is told to.
func TestStuckReceiver(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var held sync.Map // connections that nobody reads
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			held.Store(conn, true)
		}
	}()
	m := NewMetrics("")
	told := make(chan AccessEvent, 100)
	a := syslogLog(t, m, func(e AccessEvent) { told <- e }, fmt.Sprintf(`"address": "tcp:%s"`, listener.Addr()))
	x, written, c := sample(), 0, a.counters()
	// A batch at a time, until the sockets are full too.
	for stuck := false; !stuck; {
		for range 200 {
			a.Write(x)
			written++
		}
		for end := time.Now().Add(3 * time.Second); !stuck && c.lines.Load() < uint64(written); time.Sleep(time.Millisecond) {
			stuck = time.Now().After(end)
		}
	}
	for c.behind.Load() == 0 { // would hang the test
		a.Write(x)
		written++
	}
	if e := <-told; e.Err == nil {
		t.Errorf("told %+v", e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	closeLog(t, a)
	if c.lines.Load()+c.lost() != uint64(written) || c.failed.Load() == 0 {
		t.Errorf("%d of %d lines accounted for", c.lines.Load()+c.lost(), written)
	}
	if len(told) > 0 {
		t.Errorf("told again: %+v", <-told)
	}
	held.Range(func(conn, _ any) bool { return conn.(net.Conn).Close() == nil })
}

// TestSyslogSocketAppears: /dev/log need not be there at the start.
func TestSyslogSocketAppears(t *testing.T) {
	address := filepath.Join(t.TempDir(), "log")
	told := make(chan AccessEvent, 100)
	a := syslogLog(t, NewMetrics(""), func(e AccessEvent) { told <- e }, fmt.Sprintf(`"address": "unix:%s"`, address))
	writeURI(a, "/waits")
	if e := <-told; !errors.Is(e.Err, os.ErrNotExist) {
		t.Errorf("told %+v", e)
	}
	receiver, err := net.ListenPacket("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	buf := make([]byte, 1<<16)
	n, _, err := receiver.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	checkMessage(t, string(buf[:n]), "134", "sluice", "/waits")
	closeLog(t, a)
}

// TestUDPWithoutReceiver: lines that nobody takes are not held up.
func TestUDPWithoutReceiver(t *testing.T) {
	receiver, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := receiver.LocalAddr().String()
	receiver.Close()
	a := syslogLog(t, NewMetrics(""), func(AccessEvent) {}, fmt.Sprintf(`"address": "udp:%s"`, address))
	for range 100 {
		a.Write(sample())
	}
	err = a.Close(context.Background())
	c := a.counters()
	if c.lines.Load()+c.failed.Load() != 100 || (c.failed.Load() > 0) != (err != nil) {
		t.Errorf("%d lines, %d failed, error %v", c.lines.Load(), c.failed.Load(), err)
	}
}

// TestSinksAreTakenOver: a log that replaces another keeps the sinks whose
// definition stays, with what waits in them, and nothing is lost or doubled.
func TestSinksAreTakenOver(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	file := func(path, format string) string {
		return fmt.Sprintf(`{ "type": "file", "path": %q, "format": %q }`, path, format)
	}
	m := NewMetrics("")
	open := func(before *AccessLog, sinks ...string) *AccessLog {
		log, err := OpenAccess(parsed(t, `"sinks": [`+strings.Join(sinks, ",")+`]`), AccessOptions{Metrics: m, Tell: noTrouble(t), Before: before})
		if err != nil {
			t.Fatal(err)
		}
		return log
	}
	first := open(nil, file(a, "{uri}"), file(b, "{uri}"))
	writeURI(first, "1")
	second := open(first, file(b, "{uri} {status}"), file(c, "{uri}"))
	if second.sinks[0] != first.sinks[1] || second.sinks[1] == first.sinks[0] {
		t.Fatal("not the same sink was kept")
	}
	writeURI(first, "2")
	writeURI(second, "3")
	if err := first.Replace(context.Background(), second); err != nil {
		t.Fatal(err)
	}
	want(t, scrape(t, m), fmt.Sprintf(`sluice_access_log_lines_total{sink="file:%s"}`, a), "")
	// One that is not to come into force ends what it does not share.
	refused := open(second, file(b, "{uri}"), file(a, "{uri}"))
	if err := refused.Replace(context.Background(), second); err != nil {
		t.Fatal(err)
	}
	writeURI(second, "4")
	closeLog(t, second)
	for path, want := range map[string]string{a: "1\n2\n", b: "1\n2\n3 200\n4 200\n", c: "3\n4\n"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s has %q, error %v, want %q", filepath.Base(path), got, err, want)
		}
	}
}

// TestIs: a log stays where its definition does.
func TestIs(t *testing.T) {
	def := parsed(t, `"path": "stderr", "stages": [{"filter": {"drop": {"failed": true}}}]`)
	a := openAccess(t, def, NewMetrics(""), noTrouble(t))
	defer closeLog(t, a)
	if !a.Is(parsed(t, `"path": "stderr", "stages": [{"filter": {"drop": {"failed": true}}}], "format": "json"`)) ||
		a.Is(parsed(t, `"path": "stderr"`)) || a.Is(config.AccessLog{}) {
		t.Error("it is taken for another")
	}
}
