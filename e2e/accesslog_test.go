package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestAccessLogPipeline runs a record through stages to three sinks at once, each
// with its format.
func TestAccessLogPipeline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, socket := filepath.Join(dir, "access.log"), filepath.Join(socketPath(t)+".log")
	receiver, err := net.ListenPacket("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = receiver.Close() })
	p := serve(t, fmt.Sprintf(`"middlewares": {"ids": {"type": "request_id", "trust": true}},
"log": {"access": {"path": "stdout", "format": "common",
  "stages": [
    {"filter": {"drop": {"routes": ["ping"]}}},
    {"map": {"drop": ["time", "duration_ms", "bytes_in", "client"], "set": {"agent": "header:User-Agent", "site": "text:here"}, "redact": ["query:token"]}},
    {"filter": {"drop": {"fields": {"agent": "~^probe"}}}},
    {"filter": {"sample": {"one_in": 1}}}
  ],
  "sinks": [
    {"type": "file", "path": %q, "format": "json"},
    {"type": "syslog", "address": "unix:%s", "format": "{agent} {uri} {weight}", "app_name": "edge"}
  ]}},
"routes": [{"name": "ping", "path": "/ping", "respond": {"body": "pong"}},
  {"name": "all", "path": "/*", "middlewares": ["ids"], "respond": {"status": 404, "body": "no"}}]`, file, socket))
	c := client(t)
	ask := func(path, agent string) {
		req, err := http.NewRequest("GET", "http://"+p.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", agent)
		req.Header.Set("X-Request-Id", "id-7")
		do(t, c, req)
	}
	ask("/ping", "a")
	ask("/a", "probe/1")
	ask("/a?token=s3cret&b=1", `evil" 200`)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	want := fmt.Sprintf(`{"method":"GET","host":%q,"uri":"/a?token=REDACTED&b=1","proto":"HTTP/1.1","route":"all","status":404,`+
		`"bytes_out":2,"request_id":"id-7","agent":"evil\" 200","site":"here","weight":1}`+"\n", p.addr)
	if got, err := os.ReadFile(file); err != nil || string(got) != want || !json.Valid(got) {
		t.Errorf("the file has %s, error %v, want %s", got, err, want)
	}
	common := regexp.MustCompile(`^- - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /a\?token=REDACTED&b=1 HTTP/1\.1" 404 2$`)
	if got := p.out.String(); !common.MatchString(got) {
		t.Errorf("stdout has %q", got)
	}
	buf := make([]byte, 1<<16)
	if err := receiver.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	n, _, err := receiver.ReadFrom(buf)
	if message := string(buf[:n]); err != nil || !strings.HasPrefix(message, "<134>1 ") ||
		!strings.HasSuffix(message, fmt.Sprintf(` edge %d access - evil\" 200 /a?token=REDACTED&b=1 1`, p.cmd.Process.Pid)) {
		t.Errorf("syslog has %q, error %v", message, err)
	}
}

// TestAccessLogLosesNothing edits the log, rotates its file in each way and ends
// the process, all under load: each request has its line, once.
func TestAccessLogLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "access.log")
	addr := reserve(t)
	text := func(i int) string {
		more := ""
		switch i % 4 {
		case 1:
			more = fmt.Sprintf(`, {"type": "file", "path": %q}`, filepath.Join(dir, "more.json"))
		case 2:
			more = `, {"type": "stdout", "format": "combined"}`
		case 3:
			more = `, {"type": "syslog", "address": "udp:127.0.0.1:9"}`
		}
		return listening(addr, fmt.Sprintf(`"log": {"access": {"stages": [{"map": {"set": {"round": "text:%d"}}}], "sinks": [
{"type": "file", "path": %q, "format": "{uri}", "buffer": "%dMiB"}%s]}}, "routes": [{"name": "all", "path": "/*", "respond": {}}]`,
			i, file, 8+i/6, more))
	}
	p := serveFile(t, sluice, write(t, text(0)))
	var load sync.WaitGroup
	stop := make(chan struct{})
	sent := make([]int, 4)
	for client := range sent {
		c := &http.Client{Transport: &http.Transport{}}
		load.Go(func() {
			defer c.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				req, _ := http.NewRequest("GET", fmt.Sprintf("http://%s/%d/%d", addr, client, sent[client]), nil)
				if a, err := try(c, req); err != nil || a.StatusCode != 200 {
					t.Errorf("%v, %v", a.Response, err)
					return
				}
				sent[client]++
			}
		})
	}
	for i := 1; i < 13; i++ {
		p.edit(text(i), inForce)
		if i%3 == 0 {
			if err := os.Rename(file, fmt.Sprintf("%s.%d", file, i)); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				p.signal(syscall.SIGHUP)
			}
			until(t, "the file is there again", func() {}, func() bool { _, err := os.Stat(file); return err == nil })
		}
	}
	close(stop)
	load.Wait()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	seen := make(map[string]int)
	files, err := filepath.Glob(file + "*")
	if err != nil || len(files) != 5 {
		t.Errorf("files %v, error %v", files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			seen[strings.TrimSuffix(line, "\n")]++
		}
	}
	total := 0
	for client, n := range sent {
		for i := range n {
			total++
			if uri := fmt.Sprintf("/%d/%d", client, i); seen[uri] != 1 {
				t.Fatalf("%s has %d lines", uri, seen[uri])
			}
		}
	}
	if len(seen) != total {
		t.Errorf("%d lines of %d requests", len(seen), total)
	}
	t.Logf("%d requests", total)
}

// TestAccessLogThatCannotBeOpened refuses an edit and leaves the log as it was.
func TestAccessLogThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	addr := reserve(t)
	text := func(path string) string {
		return listening(addr, fmt.Sprintf(`"log": {"access": {"path": "stdout", "format": "{uri}", "sinks": [
{"type": "file", "path": %q}]}}, "routes": [{"name": "all", "path": "/*", "respond": {}}]`, path))
	}
	p := serveFile(t, sluice, write(t, text(filepath.Join(t.TempDir(), "a"))))
	line := p.edit(text(t.TempDir()), refused)
	if !strings.Contains(line, "log.access.sinks[0].path: cannot open access log") {
		t.Errorf("refused with %s", line)
	}
	get(t, client(t), "http://"+addr+"/still")
	p.out.after(t, 0, "/still")
}
