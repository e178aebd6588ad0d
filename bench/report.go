package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// report is the table with all that is needed to repeat it.
func (b *bench) report(r results, took time.Duration) string {
	var out strings.Builder
	o := b.options
	fmt.Fprintf(&out, "\n%s\nMedians; rounds: %d, each of %v, with %d connections; %v in all. Times are wrk's; CPU is user and system time of all of a\n"+
		"proxy's processes, compared within each round; peak memory is the largest resident size, summed over them.\n\n",
		r.table(), o.rounds, o.duration, o.connections, took.Round(time.Second))
	for _, c := range cases {
		if len(r[resultKey{c.name, b.proxies[0].name}]) > 0 {
			fmt.Fprintf(&out, "- %s: %s\n", c.name, c.about)
		}
	}
	fmt.Fprintf(&out, "\n- command: %s\n- commit: %s\n- machine: %s\n- cores: %s\n",
		strings.Join(append([]string{"bench/run.sh"}, os.Args[1:]...), " "), commit(), machine(), b.cores)
	for _, p := range b.proxies {
		fmt.Fprintf(&out, "- %s: %s\n", p.name, p.told)
	}
	for _, name := range b.missing {
		fmt.Fprintf(&out, "- %s: not installed\n", name)
	}
	fmt.Fprintf(&out, "- wrk: %s\n- Go: %s\n", firstLine("wrk", "-v"), runtime.Version())
	return out.String()
}

// record writes the report to bench/results.
func record(began time.Time, report string) error {
	date := began.UTC().Format(time.DateOnly)
	folder := filepath.Join("bench", "results")
	path := filepath.Join(folder, date+"-"+commit()+".md")
	text := "# Sluice beside its peers, " + date + "\n" + report
	err := os.MkdirAll(folder, 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot write the record: %w", err)
	}
	fmt.Fprintf(os.Stderr, "bench: written to %s\n", path)
	return nil
}

// commit is the short hash of what is measured, with -dirty if files differ from it.
func commit() string {
	return firstLine("git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12")
}

// machine is the processor, the number of cores, the memory, the kernel and its
// congestion control.
func machine() string {
	var parts []string
	if name := procField("/proc/cpuinfo", "model name"); name != "" {
		parts = append(parts, name)
	}
	parts = append(parts, fmt.Sprintf("%d cores", runtime.NumCPU()))
	var kib int64
	if _, err := fmt.Sscanf(procField("/proc/meminfo", "MemTotal"), "%d kB", &kib); err == nil {
		parts = append(parts, fmt.Sprintf("%.0f GiB", float64(kib)/(1<<20)))
	}
	parts = append(parts, firstLine("uname", "-srm"))
	if control, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control"); err == nil {
		parts = append(parts, "TCP "+strings.TrimSpace(string(control)))
	}
	return strings.Join(parts, ", ")
}

// procField finds the first "name: value" in a file of /proc; "" if there is none.
func procField(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
