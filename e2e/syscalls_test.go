package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestSystemCalls counts them, as docs/HOTPATH.md tells of them. Those that only a busy machine
// brings about, waits and wakings, are not bounded.
func TestSystemCalls(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed; it is in Debian's package strace")
	}
	const requests = 1000
	const few = requests / 10 // of the start and the end
	target := rawOrigin(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false))
	for _, c := range []struct {
		name, request string
		most          map[string]int // per request; of all others none
	}{
		// A third recvfrom looks at a connection that has been idle for a millisecond.
		{"kept connections", "GET / HTTP/1.1\r\nHost: e\r\n\r\n", map[string]int{"sendto": 2, "recvfrom": 3}},
		// epoll_ctl where the request comes after the connection, which is accepted at once.
		{"new connections", "GET / HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n", map[string]int{
			"sendto": 2, "recvfrom": 3, "accept4": 1, "close": 1, "epoll_ctl": 2,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			counts := filepath.Join(t.TempDir(), "counts")
			addr := reserve(t)
			file := write(t, listening(addr, `"log": {"access": {"path": "off"}}, `+proxyTo(target)))
			p := start(t, "strace", "-D", "-f", "-c", "-U", "calls,name", "-o", counts, sluice, "run", "-config", file)
			p.log.after(t, 0, "config in force")
			var client *rawClient
			for range requests {
				if client == nil {
					client = dial(t, addr)
				}
				client.send(c.request)
				client.response("GET").wants(t, 200, "ok")
				if strings.Contains(c.request, "close") {
					client.wantsEnd()
					client = nil
				}
			}
			p.signal(syscall.SIGTERM)
			p.exit()
			got := readCounts(t, counts)
			for _, name := range []string{
				"sendto", "recvfrom", "read", "write", "readv", "writev", "sendmsg", "recvmsg", "accept4", "close", "shutdown",
				"getsockname", "getpeername", "getsockopt", "setsockopt", "fcntl", "epoll_ctl", "clock_gettime", "madvise",
			} {
				if most := c.most[name]*requests + few; got[name] > most {
					t.Errorf("%d of %s for %d requests; want %d at most", got[name], name, requests, most)
				}
			}
			t.Log(got)
		})
	}
}

// readCounts reads what strace -c -U calls,name has written.
func readCounts(t *testing.T, file string) map[string]int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 2 {
			if n, err := strconv.Atoi(f[0]); err == nil {
				counts[f[1]] = n
			}
		}
	}
	if counts["total"] == 0 {
		t.Fatalf("strace tells %q", data)
	}
	return counts
}
