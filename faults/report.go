package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const documentHead = `# Reliability

What becomes of requests while things go wrong. Made by ` + "`cd faults && go run . -write ../docs/RELIABILITY.md`" + `; do not edit.

Each fault is brought about by real means (killed and stopped processes, closed ports, origins that misbehave, toxiproxy, network
namespaces) under a steady load of own clients over kept connections: GET, PUT and POST, each with a name of its own and an answer
that depends on it. Origins write down every request they read. The proxies are set up as a sensible operator would for the same:
retries where they are safe, a health check every 500 ms where there is such a thing, 1 s to connect, 2 s to answer; see ` + "`faults/peers`" + `.

**Promised by Sluice**, and the command's exit code: while at least one target lives, no idempotent request (here GET and PUT) fails,
and no POST is ever sent twice. A POST that may have reached a target cannot be repeated: where its target dies with it, it fails.

- *failed*: without the right answer within 20 s. *GET, PUT* and *POST*: while at least one target lived.
- *no target*: failed while none lived. *cut*: responses that the fault cuts off after they have begun; the client sees that.
- *retried*: the proxy's own figure, refused connections included. *POST twice*: read more than once by origins, all together.
- *p99*, *worst*: of the time to the whole answer, failures included, while a target lived.

All three are played at once, each with targets and clients of its own (but for storm and websockets, one after the other), on a small
machine: differences of some milliseconds say nothing. nginx without its commercial part has no health checks; it counts a kept connection
that its target closed as a failure of the target, and answers 502 at once while each has had ` + "`max_fails`" + ` of them. HAProxy, told not to repeat
POST, closes the client's connection without an answer where a target does so.

`

// document is docs/RELIABILITY.md.
func (r *runner) document(all []*result, took time.Duration) string {
	var out strings.Builder
	out.WriteString(documentHead)
	out.WriteString("| Fault | Proxy | sent | failed: GET, PUT | failed: POST | no target | cut | retried | POST twice | p99 | worst | |\n")
	out.WriteString("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	last := ""
	for _, x := range all {
		name := ""
		if x.fault.name != last {
			name, last = "["+x.fault.name+"](#"+x.fault.name+")", x.fault.name
		}
		if x.na != "" {
			fmt.Fprintf(&out, "| %s | %s | n/a | | | | | | | | | %s |\n", name, x.proxy, x.na)
			continue
		}
		fmt.Fprintf(&out, "| %s | %s | %d | %s | %d | %s | %s | %d | %s | %s | %s | %s |\n", name, x.proxy, x.sent, promised(x.idempotent), x.other,
			unless0(x.noTarget), unless0(x.cut), x.retried, promised(x.twice), brief(x.p99), brief(x.worst), strings.Join(x.notes, "; "))
	}
	out.WriteString("\n## The faults\n\n")
	for _, f := range faults {
		fmt.Fprintf(&out, "### %s\n\n%s.\n\n    cd faults && go run . -only %s\n\n", f.name, capital(f.what), f.name)
	}
	fmt.Fprintf(&out, "## Made with\n\n- commit: %s\n- machine: %s\n- time: %v\n", commit(), machine(), took.Round(time.Second))
	for _, k := range r.kinds {
		told := "not installed"
		if program := r.programs[k.name]; program != "" {
			told = firstLine(program, k.version...)
		}
		fmt.Fprintf(&out, "- %s: %s\n", k.name, told)
	}
	fmt.Fprintf(&out, "- Go: %s\n", runtime.Version())
	return out.String()
}

func promised(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("**%d**", n)
}

func unless0(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// firstLine runs a command and returns the first line it prints; some exit with
// an error after telling their version.
func firstLine(name string, args ...string) string {
	out, _ := exec.Command(name, args...).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// commit is the short hash, with -dirty if files differ from it.
func commit() string {
	return firstLine("git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12")
}

// machine is the processor, the number of cores, and the kernel.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	name := "unknown processor"
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			name = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", name, runtime.NumCPU(), firstLine("uname", "-srm"))
}
