package e2e

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

// buildNSQD builds the real nsqd, once.
var buildNSQD = sync.OnceValues(func() (string, error) {
	program := filepath.Join(filepath.Dir(sluice), "nsqd")
	out, err := exec.Command("go", "build", "-o", program, "github.com/nsqio/nsq/apps/nsqd").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// nsqd runs a real nsqd on an address and waits until it serves.
func nsqd(t *testing.T, address string) *process {
	t.Helper()
	program, err := buildNSQD()
	if err != nil {
		t.Skipf("nsqd cannot be built here: %v", err)
	}
	p := start(t, program, "-tcp-address", address, "-http-address", "127.0.0.1:0", "-data-path", t.TempDir())
	p.log.after(t, 0, "TCP: listening on "+address)
	return p
}

// messages are the access lines that nsqds have given out, by uri.
type messages struct {
	mu   sync.Mutex
	uris map[string]int
}

// consume takes all messages of the topic access from an nsqd.
func (m *messages) consume(t *testing.T, address string) {
	t.Helper()
	c, err := nsq.NewConsumer("access", "test", nsq.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	c.SetLogger(log.New(io.Discard, "", 0), nsq.LogLevelError)
	c.ChangeMaxInFlight(1000)
	c.AddHandler(nsq.HandlerFunc(func(message *nsq.Message) error {
		uri, _, _ := strings.Cut(string(message.Body), " ")
		m.mu.Lock()
		defer m.mu.Unlock()
		m.uris[uri]++
		return nil
	}))
	if err := c.ConnectToNSQD(address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Stop()
		<-c.StopChan
	})
}

// wait waits until there are messages for n different requests.
func (m *messages) wait(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(2 * patience); ; time.Sleep(10 * time.Millisecond) {
		m.mu.Lock()
		have := len(m.uris)
		m.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d lines have come", have, n)
		}
	}
}

// nsqBed is Sluice with an access log to nsqds.
func nsqBed(t *testing.T, admin string, addresses ...string) *process {
	t.Helper()
	return serve(t, fmt.Sprintf(`"admin": {"address": %q},
"log": {"access": {"format": "{uri} {status}", "sinks": [{"type": "nsq", "addresses": ["%s"], "topic": "access"}]}},
"routes": [{"name": "all", "path": "/*", "respond": {"body": "ok"}}]`, admin, strings.Join(addresses, `", "`)))
}

// ask sends requests for /from up to /to, none of which may fail.
func ask(t *testing.T, c *http.Client, p *process, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if a := get(t, c, fmt.Sprintf("http://%s/%d", p.addr, i)); a.StatusCode != 200 {
			t.Fatalf("status %d", a.StatusCode)
		}
	}
}

const (
	sinkTrouble = "access log in trouble"
	sinkWorks   = "access log works again"
)

// TestAccessLogToNSQ kills the nsqd that lines go to; the other one takes over, and
// not a line is lost.
func TestAccessLogToNSQ(t *testing.T) {
	t.Parallel()
	first, second, admin := reserve(t), reserve(t), reserve(t)
	dies := nsqd(t, first)
	takesOver := nsqd(t, second)
	p := nsqBed(t, admin, first, second)
	c, got := client(t), &messages{uris: make(map[string]int)}
	ask(t, c, p, 0, 100)
	// Before somebody asks, a new nsqd has no such topic.
	got.consume(t, first)
	got.consume(t, second)
	got.wait(t, 100)
	if err := dies.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-dies.done
	ask(t, c, p, 100, 200)
	got.wait(t, 200)
	_, mark := p.log.after(t, 0, sinkTrouble, first)
	_, mark = p.log.after(t, mark, sinkWorks, `"lost":0`)
	// And back, when that one dies and the first is there again.
	nsqd(t, first)
	if err := takesOver.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-takesOver.done
	ask(t, c, p, 200, 300)
	got.consume(t, first)
	got.wait(t, 300)
	_, mark = p.log.after(t, mark, sinkTrouble, second)
	p.log.after(t, mark, sinkWorks, `"lost":0`)
	name := fmt.Sprintf(`sink="nsq:%s,%s/access"`, first, second)
	metrics := get(t, c, "http://"+admin+"/metrics").body
	for _, line := range []string{
		"sluice_access_log_lines_total{" + name + "} 300", `sluice_access_log_dropped_total{cause="behind",` + name + "} 0",
		`sluice_access_log_dropped_total{cause="failed",` + name + "} 0", "sluice_access_log_trouble{" + name + "} 0",
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("metrics lack %s", line)
		}
	}
}

// TestAccessLogWaitsForNSQ begins without an nsqd, which is told once and holds up
// nobody, then has one that hangs.
func TestAccessLogWaitsForNSQ(t *testing.T) {
	t.Parallel()
	address := reserve(t)
	if _, err := buildNSQD(); err != nil {
		t.Skipf("nsqd cannot be built here: %v", err)
	}
	p := nsqBed(t, reserve(t), address)
	c, got := client(t), &messages{uris: make(map[string]int)}
	ask(t, c, p, 0, 100)
	_, mark := p.log.after(t, 0, sinkTrouble, "connection refused")
	queue := nsqd(t, address)
	_, mark = p.log.after(t, mark, sinkWorks, `"lost":0`)
	if n := strings.Count(p.log.String(), sinkTrouble); n != 1 {
		t.Errorf("told %d times", n)
	}
	got.consume(t, address)
	got.wait(t, 100)

	queue.signal(syscall.SIGSTOP)
	begun := time.Now()
	ask(t, c, p, 100, 200)
	p.log.after(t, mark, sinkTrouble, "timeout")
	queue.signal(syscall.SIGCONT)
	got.wait(t, 200)
	t.Logf("told of a hanging nsqd and answered 100 requests in %s", time.Since(begun))

	// What waits at the end is published still.
	ask(t, c, p, 200, 300)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	got.wait(t, 300)
}

// TestAccessLogOverflowsBesideNSQ has an nsqd that takes nothing, and a buffer that is
// soon full: requests go on, what does not fit is lost, counted and told of once, and
// all else comes when nsqd goes on.
func TestAccessLogOverflowsBesideNSQ(t *testing.T) {
	t.Parallel()
	address, admin := reserve(t), reserve(t)
	queue := nsqd(t, address)
	p := serve(t, fmt.Sprintf(`"admin": {"address": %q},
"log": {"access": {"format": "{uri} {status}", "sinks": [{"type": "nsq", "addresses": [%q], "topic": "access", "buffer": "128KiB"}]}},
"routes": [{"name": "all", "path": "/*", "respond": {"body": "ok"}}]`, admin, address))
	c, got := client(t), &messages{uris: make(map[string]int)}
	pad, sent := strings.Repeat("x", 1900), 0
	send := func() {
		get(t, c, fmt.Sprintf("http://%s/%d/%s", p.addr, sent, pad)).wants(t, 200, "ok")
		sent++
	}
	send()
	got.consume(t, address)
	got.wait(t, 1)
	queue.signal(syscall.SIGSTOP)
	lost := func() (n int) {
		metrics := get(t, c, "http://"+admin+"/metrics").body
		for line := range strings.Lines(metrics) {
			if rest, ok := strings.CutPrefix(line, `sluice_access_log_dropped_total{cause="behind",`); ok {
				_, value, _ := strings.Cut(rest, "} ")
				_, _ = fmt.Sscan(value, &n)
			}
		}
		return n
	}
	until(t, "lines are lost", send, func() bool { return sent%50 == 0 && lost() > 100 })
	_, mark := p.log.after(t, 0, sinkTrouble)
	queue.signal(syscall.SIGCONT)
	line, _ := p.log.after(t, mark, sinkWorks)
	if n := lost(); !strings.Contains(line, fmt.Sprintf(`"lost":%d`, n)) || sent-n < 60 {
		t.Errorf("%d of %d are lost, told as %s", n, sent, line)
	}
	got.wait(t, sent-lost())
	if n := strings.Count(p.log.String(), sinkTrouble); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// TestAccessLogEndsWithoutNSQ: at the end, lines that nobody takes are given up
// soon, and that is told.
func TestAccessLogEndsWithoutNSQ(t *testing.T) {
	t.Parallel()
	p := nsqBed(t, reserve(t), reserve(t))
	ask(t, client(t), p, 0, 10)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.log.after(t, 0, "access log lines were lost at the end of a sink", "nsq:")
}
