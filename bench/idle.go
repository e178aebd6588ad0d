package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// idleSetup has fresh proxies: the memory that a load has left would hide what
// connections take.
const idleSetup = "idle"

// idlePoint is the memory of a proxy that holds so many idle connections.
type idlePoint struct {
	connections int
	now, peak   int64 // bytes resident
}

// idleResults are the points of each proxy by its name, the fewest connections first.
type idleResults map[string][]idlePoint

// each is what a connection of the last point costs, in KiB above the first.
func (r idleResults) each(proxy string) (float64, bool) {
	points := r[proxy]
	if len(points) < 2 {
		return 0, false
	}
	first, last := points[0], points[len(points)-1]
	return float64(last.now-first.now) / 1024 / float64(last.connections-first.connections), true
}

// measureIdle measures what idle client connections cost: it opens ever more of
// them to every proxy, each with one request, leaves them alone for a while, and
// looks at the resident memory.
func (b *bench) measureIdle(ctx context.Context) error {
	counts, err := parseCounts(b.options.idle)
	if err != nil {
		return err
	}
	b.idle = idleResults{}
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	held := 0
	for _, count := range counts {
		if room := descriptors(); count*len(b.proxies) > room {
			fmt.Fprintf(os.Stderr, "\nbench: %d idle connections to %d proxies want more descriptors than the %d there are; left out\n",
				count, len(b.proxies), room)
			break
		}
		fmt.Fprintf(os.Stderr, " %d", count)
		for _, p := range b.proxies {
			resetPeak(p.pid())
			for range count - held {
				c, err := askOnce(p.address)
				if err != nil {
					return fmt.Errorf("%s, idle connections: %w", p.name, err)
				}
				open = append(open, c)
			}
		}
		held = count
		if err := b.lookAtIdle(ctx, count, open); err != nil {
			return err
		}
	}
	return nil
}

// lookAtIdle waits, and adds a point of each proxy.
func (b *bench) lookAtIdle(ctx context.Context, count int, open []net.Conn) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(b.options.settle):
	}
	for _, p := range b.proxies {
		now, peak, err := memory(p.pid())
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, p.explain(err))
		}
		b.idle[p.name] = append(b.idle[p.name], idlePoint{count, now, peak})
	}
	return stillOpen(open)
}

// descriptors is how many connections the bench may hold.
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(limit.Cur) - 100
}

// table prints the points in Markdown; nothing if there are none.
func (r idleResults) table(settle time.Duration) string {
	if len(r) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("| proxy | idle connections | resident MiB | KiB for each | peak MiB |\n|---|--:|--:|--:|--:|\n")
	for _, k := range kinds {
		for i, p := range r[k.name] {
			each := "-"
			if kib, ok := (idleResults{"": r[k.name][:i+1]}).each(""); ok {
				each = fmt.Sprintf("%.2f", kib)
			}
			fmt.Fprintf(&out, "| %s | %d | %.1f | %s | %.1f |\n", k.name, p.connections, mebibytes(p.now), each, mebibytes(p.peak))
		}
	}
	fmt.Fprintf(&out, "\nIdle connections: resident memory of all of a fresh proxy's processes %v after the last connection had its answer;\n"+
		"for each: what is above the first row.\n\n", settle)
	return out.String()
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// askOnce opens a connection and has one request answered on it.
func askOnce(address string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = io.WriteString(c, "GET /bench HTTP/1.1\r\nHost: "+address+"\r\n\r\n")
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	// As small as can be: there are many.
	response, err := http.ReadResponse(bufio.NewReaderSize(c, 1<<10), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		if err == nil && (response.StatusCode != http.StatusOK || response.Close) {
			err = fmt.Errorf("answered %s, or not kept", response.Status)
		}
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// stillOpen fails if a proxy has closed a connection meanwhile, or sent something.
func stillOpen(open []net.Conn) error {
	for i, c := range open {
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err != nil {
			return fmt.Errorf("cannot look at a connection: %w", err)
		}
		var n int
		var peekErr error
		err = raw.Control(func(fd uintptr) {
			var b [1]byte
			n, _, peekErr = unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		})
		if err != nil || !errors.Is(peekErr, unix.EAGAIN) {
			return fmt.Errorf("idle connection %d of %d was not kept: read %d, %v", i+1, len(open), n, errors.Join(err, peekErr))
		}
	}
	return nil
}

// parseCounts reads a list of ascending numbers with commas.
func parseCounts(list string) ([]int, error) {
	var counts []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 || len(counts) > 0 && n <= counts[len(counts)-1] {
			return nil, fmt.Errorf("-idle wants ascending numbers with commas, not %q", list)
		}
		counts = append(counts, n)
	}
	return counts, nil
}
