package main

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// report is the tables with all that is needed to repeat them.
func (b *bench) report(r results, took time.Duration) string {
	var out strings.Builder
	o := b.options
	fmt.Fprintf(&out, "\n%s%s\nMedians; rounds: %d, each of %v, with %d connections unless the case says otherwise; %v in all. CPU is user and system time of all\n"+
		"of a proxy's processes, compared within each round; times are wrk's, and at fixed rates openloop's; peak memory is the largest resident\n"+
		"size, summed over the processes.\n\n",
		r.table()+"\n"+b.idle.table(o.settle), verdicts(r, b.idle), o.rounds, o.duration, o.connections, took.Round(time.Second))
	for _, c := range cases {
		if len(r[resultKey{c.name, subject}]) > 0 || len(r[resultKey{c.name, baseline}]) > 0 {
			fmt.Fprintf(&out, "- %s: %s%s\n", c.name, c.about, r.aside(c))
		}
	}
	fmt.Fprintf(&out, "\n- command: %s\n- commit: %s\n- machine: %s\n- cores: %s; twocores: %s\n",
		command(), commit(), machine(), findCores(runtime.NumCPU(), 1), findCores(runtime.NumCPU(), 2))
	for _, k := range kinds {
		if program := b.programs[k.name]; program != "" {
			fmt.Fprintf(&out, "- %s: %s\n", k.name, told(program, k))
		}
	}
	for _, k := range b.missing {
		fmt.Fprintf(&out, "- %s: not installed\n", k.name)
	}
	fmt.Fprintf(&out, "- wrk: %s\n- Go: %s\n", firstLine("wrk", "-v"), runtime.Version())
	return out.String()
}

// aside is what else there is to say of a case.
func (r results) aside(c testCase) string {
	own := r[resultKey{c.name, subject}]
	switch {
	case c.setup == "log":
		return "; to a file, HAProxy's to a datagram socket, as syslog takes them" + r.logged(c)
	case c.name == "metrics":
		return r.asideOfMetrics()
	case c.reloads:
		var times []time.Duration
		for _, m := range own {
			times = append(times, m.reloads...)
		}
		if len(times) > 0 {
			return fmt.Sprintf("; %d reloads of %v in the median", len(times), middle(times).Round(time.Millisecond))
		}
	case c.open():
		var late []time.Duration
		for _, k := range kinds {
			for _, m := range r[resultKey{c.name, k.name}] {
				late = append(late, m.late)
			}
		}
		return fmt.Sprintf("; openloop itself was %v late in 1 of 100, in the median of all rounds", middle(late).Round(time.Microsecond))
	}
	return ""
}

// asideOfMetrics tells how sure the cost of metrics is.
func (r results) asideOfMetrics() string {
	key, base := resultKey{"metrics", subject}, resultKey{"metrics", unmetered}
	ratios := r.ratios(key, base, r.finest())
	if len(ratios) == 0 {
		return ""
	}
	percent := func(i int) float64 { return 100 * (ratios[i] - 1) }
	told := fmt.Sprintf(", by turns of a second; the middle half of the %d pairs has %+.1f to %+.1f %% of CPU", len(ratios),
		percent(len(ratios)/4), percent((3*len(ratios)-1)/4))
	if more, ok := r.ratio(key, base, measurement.instructions); ok && more > 0 {
		counted := median(r[key], measurement.instructions)
		told += fmt.Sprintf("; %.0f instructions a request, %+.2f %%; %.0f cycles", counted, 100*(more-1), median(r[key], measurement.cycles))
	}
	return told
}

// logged tells how much of the access log was written when the load had ended.
func (r results) logged(c testCase) string {
	told := ""
	for _, k := range kinds {
		requests, lines := 0, 0
		for _, m := range r[resultKey{c.name, k.name}] {
			requests, lines = requests+m.requests, lines+m.lines
		}
		if lines > 0 {
			told += fmt.Sprintf("; %s wrote %.1f %% of the lines", k.name, 100*float64(lines)/float64(requests))
		}
	}
	return told
}

// told is a proxy's version. Caddy made by `go install` does not know its own.
func told(program string, k kind) string {
	version := firstLine(program, k.version...)
	if info, err := buildinfo.ReadFile(program); err == nil && version == "unknown" {
		return info.Main.Path + " " + info.Main.Version
	}
	return version
}

// command is how the bench was started.
func command() string { return strings.Join(append([]string{"bench/run.sh"}, os.Args[1:]...), " ") }

// write writes what the options ask for: plots, and the record of it all.
func (b *bench) write(began time.Time, report string, r results) error {
	if folder := b.options.plots; folder != "" {
		if _, err := writePlots(folder, charts(r, b.idle)); err != nil {
			return err
		}
	}
	if !b.options.record {
		return nil
	}
	date := began.UTC().Format(time.DateOnly)
	folder := filepath.Join("bench", "results", date+"-"+commit())
	drawn, err := writePlots(folder, charts(r, b.idle))
	if err != nil {
		return err
	}
	text := "# Sluice beside its peers, " + date + "\n" + report
	for _, name := range drawn {
		text += "\n![" + strings.TrimSuffix(name, ".svg") + "](" + name + ")\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "README.md"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("cannot write the record: %w", err)
	}
	fmt.Fprintf(os.Stderr, "bench: written to %s\n", folder)
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
