package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// load is what a load generator tells of one run.
type load struct {
	requests       int // answered, whatever the status
	errors         int // refused, reset or timed out, and statuses from 400 on
	perSecond      float64
	p50, p99, p999 time.Duration
	offered        float64       // requests a second that openloop was to send
	late           time.Duration // how late openloop itself was, the 99th percentile
}

// runWrk sends requests to a proxy's address for the duration.
func (b *bench) runWrk(ctx context.Context, address string, c testCase) (load, error) {
	connections := cmp.Or(c.connections, b.options.connections)
	args := []string{"-t" + strconv.Itoa(max(c.threads, 1)), "-c" + strconv.Itoa(connections),
		"-d" + strconv.Itoa(int(b.duration().Seconds())) + "s", "--latency", "--timeout", "10s"}
	args = append(args, c.args...)
	if c.host != "" {
		args = append(args, "-H", "Host: "+c.host)
	}
	args = append(args, "-s", "bench/"+c.script, "http://"+address+c.path)
	if c.scriptArgs != nil {
		args = append(append(args, "--"), c.scriptArgs(b.setup)...)
	}
	name, args := b.cores.pin(b.cores.load, "wrk", args)
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	return parseWrk(string(out))
}

// parseWrk reads what wrk --latency prints. Lines it does not know are passed over.
func parseWrk(out string) (load, error) {
	var l load
	var problems []error
	try := func(err error) { problems = append(problems, err) }
	scanner := bufio.NewScanner(strings.NewReader(out))
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		words := strings.Fields(line)
		var err error
		switch {
		case len(words) < 2:
		case words[0] == "50%":
			l.p50, err = parseLatency(words[1])
		case words[0] == "99%":
			l.p99, err = parseLatency(words[1])
		case words[0] == "99.9%":
			l.p999, err = parseLatency(words[1])
		case words[1] == "requests":
			l.requests, err = strconv.Atoi(words[0])
		case words[0] == "Requests/sec:":
			l.perSecond, err = strconv.ParseFloat(words[1], 64)
		case words[0] == "Socket", words[0] == "Non-2xx":
			l.errors += sumNumbers(line)
		}
		try(err)
	}
	if err := errors.Join(problems...); err != nil {
		return load{}, fmt.Errorf("cannot read what wrk printed: %w\n%s", err, out)
	}
	if l.requests == 0 {
		return load{}, fmt.Errorf("wrk had no answer\n%s", out)
	}
	return l, nil
}

// parseLatency reads 123.00us, 1.20ms, 2.10s, 1.50m or 1.00h.
func parseLatency(s string) (time.Duration, error) { return time.ParseDuration(s) }

// sumNumbers adds what stands last, or before a comma, in a line such as
// "Socket errors: connect 0, read 3, write 0, timeout 1".
func sumNumbers(line string) int {
	_, counts, _ := strings.Cut(line, ": ")
	sum := 0
	for part := range strings.SplitSeq(counts, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		if n, err := strconv.Atoi(words[len(words)-1]); err == nil {
			sum += n
		}
	}
	return sum
}
