package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// residentLimit is how much memory Sluice may have needed after bodies of any
// size, in bytes.
const residentLimit = 64 << 20

// TestBodies sends bodies of all sizes and framings both ways.
func TestBodies(t *testing.T) {
	t.Parallel()
	target := origin(t, bodyOrigin)
	p := serveBy(t, plainBinary(t), proxyTo(target))
	sizes := []int64{0, 1, 1 << 10, 32<<10 + 1, 1 << 20, 200 << 20}
	if testing.Short() {
		sizes[len(sizes)-1] = 8 << 20
	}
	t.Run("all", func(t *testing.T) {
		for _, size := range sizes {
			want, _ := digest(newPattern(size))
			for _, framing := range []string{"length", "chunked", "close"} {
				t.Run(fmt.Sprintf("download %d %s", size, framing), func(t *testing.T) {
					t.Parallel()
					download(t, p.addr, size, framing, want)
				})
			}
			for _, framing := range []string{"length", "chunked"} {
				t.Run(fmt.Sprintf("upload %d %s", size, framing), func(t *testing.T) {
					t.Parallel()
					upload(t, p.addr, size, framing, want)
				})
			}
		}
	})
	if most := residentMost(t, p.cmd.Process.Pid); most >= residentLimit {
		t.Errorf("it needed %d KiB of memory, want less than %d", most>>10, residentLimit>>10)
	} else {
		t.Logf("it needed %d KiB of memory", most>>10)
	}
}

// plainBinary is the binary without the race detector, which needs memory of its
// own.
func plainBinary(t *testing.T) string {
	if !raced {
		return sluice
	}
	plain := filepath.Join(t.TempDir(), "sluice")
	if out, err := build(plain, false); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
	return plain
}

// bodyOrigin answers a GET with ?size= bytes framed as ?framing= says, and
// anything else with the digest of the body and how it was framed.
func bodyOrigin(w http.ResponseWriter, r *http.Request) {
	if r.Method != "GET" {
		framing := "length"
		if r.ContentLength < 0 {
			framing = "chunked"
		}
		got, err := digest(r.Body)
		_, _ = fmt.Fprint(w, framing, " ", got, " ", err)
		return
	}
	size, _ := strconv.ParseInt(r.FormValue("size"), 10, 64)
	switch r.FormValue("framing") {
	case "length":
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	case "chunked":
		w.(http.Flusher).Flush()
	case "close":
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Framing: close\r\n\r\n")
		_, _ = io.Copy(c, newPattern(size))
		return
	}
	_, _ = io.Copy(w, newPattern(size))
}

func download(t *testing.T, addr string, size int64, framing, want string) {
	resp, err := client(t).Get(fmt.Sprintf("http://%s/?size=%d&framing=%s", addr, size, framing))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := digest(resp.Body)
	if got != want || err != nil {
		t.Errorf("body %s and %v, want %s", got, err, want)
	}
	if framing == "length" && resp.ContentLength != size || framing != "length" && resp.ContentLength >= 0 {
		t.Errorf("Content-Length %d of a body with %s", resp.ContentLength, framing)
	}
}

func upload(t *testing.T, addr string, size int64, framing, want string) {
	req, err := http.NewRequest("PUT", "http://"+addr+"/", io.NopCloser(newPattern(size)))
	if err != nil {
		t.Fatal(err)
	}
	if req.ContentLength = size; framing == "chunked" {
		req.ContentLength = -1
	}
	if size == 0 && framing == "length" {
		req.Body = http.NoBody
	}
	do(t, client(t), req).wants(t, 200, framing+" "+want+" <nil>")
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// residentMost is the most memory a process has had resident so far, in bytes.
func residentMost(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("this system does not tell a process's memory: %v", err)
	}
	m := highWater.FindStringSubmatch(string(status))
	if m == nil {
		t.Fatalf("no VmHWM in:\n%s", status)
	}
	kib, _ := strconv.ParseInt(strings.TrimSpace(m[1]), 10, 64)
	return kib << 10
}
