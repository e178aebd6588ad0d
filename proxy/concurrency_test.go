package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// held is an origin that tells of each request and answers when it may.
type held struct {
	addr          string
	asked, answer chan struct{}
	inFlight      atomic.Int64
	most          atomic.Int64
}

func newHeld(t testing.TB) *held {
	h := &held{asked: make(chan struct{}, 1000), answer: make(chan struct{})}
	h.addr = origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			if n := h.inFlight.Add(1); n > h.most.Load() {
				h.most.Store(n)
			}
			h.asked <- struct{}{}
			<-h.answer
			h.inFlight.Add(-1)
			if _, err := io.WriteString(c, hello); err != nil {
				return
			}
		}
	})
	return h
}

const askOnce = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// TestFullUpstreamRefuses at once, with a Retry-After, and serves who waits.
func TestFullUpstreamRefuses(t *testing.T) {
	h := newHeld(t)
	b := serve(t, over(`"concurrency": { "max": 2, "queue": 1, "queue_timeout": "1m" }`, h.addr))
	t.Cleanup(b.proxy.Close)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if status, _ := b.get("/"); status != 200 {
				t.Errorf("status %d", status)
			}
		})
	}
	<-h.asked
	<-h.asked
	b.counts(`sluice_upstream_waiting{upstream="u"}`, "1")
	got := b.raw(askOnce)
	if !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "\r\nRetry-After: 1\r\n") ||
		!strings.HasSuffix(got, "503 upstream is at its request limit\n") {
		t.Errorf("answered %q", got)
	}
	b.counts(`sluice_upstream_refused_total{reason="concurrency_full",upstream="u"}`, "1")
	b.counts(`sluice_failures_total{reason="concurrency_full",route="all"}`, "1")
	b.counts(`sluice_upstream_in_flight{upstream="u"}`, "2")
	b.counts(`sluice_upstream_limit{upstream="u"}`, "2")
	if s := b.proxy.Generation().UpstreamList()[0].Concurrency; s == nil || s.InFlight != 2 || s.Waiting != 1 || s.Limit != 2 || s.Refused != 1 {
		t.Errorf("status %+v", s)
	}
	close(h.answer)
	all.Wait()
	b.counts(`sluice_upstream_in_flight{upstream="u"}`, "0")
	if n := h.most.Load(); n != 2 {
		t.Errorf("%d requests at once, want 2", n)
	}
}

// TestRefusalsSayWhen has every 503 of ours carry a Retry-After.
func TestRefusalsSayWhen(t *testing.T) {
	for settings, text := range map[string]string{
		`"concurrency": { "max": 1, "queue": 0 }`:                                                              "503 upstream is at its request limit\n",
		`"concurrency": { "max": 1, "queue_timeout": "0s" }`:                                                   "503 upstream is at its request limit\n",
		`"concurrency": { "max": 1, "queue_timeout": "50ms" }`:                                                 "503 upstream had no room for the request in time\n",
		`"concurrency": { "target_max": 1, "queue_timeout": "50ms" }`:                                          "503 upstream had no room for the request in time\n",
		`"concurrency": { "target_max": 1, "queue_timeout": "1m" }, "timeouts": { "request": "50ms" }`:         "504 request timeout\n",
		`"connections": { "max": 1, "queue_timeout": "0s" }`:                                                   "503 upstream is at its connection limit\n",
		`"connections": { "max": 1, "queue_timeout": "50ms" }`:                                                 "503 no upstream connection became free in time\n",
		`"concurrency": { "max": 1, "queue_timeout": "50ms" }, "connections": { "max": 1, "queue": 0 }`:        "503 upstream had no room for the request in time\n",
		`"concurrency": { "max": 9, "adaptive": { "min": 1, "max": 1 }, "queue": 0 }`:                          "503 upstream is at its request limit\n",
		`"concurrency": { "max": 9, "adaptive": { "min": 1, "max": 1 }, "queue": 0 }, "retry": {"attempts":8}`: "503 upstream is at its request limit\n",
	} {
		h := newHeld(t)
		b := serve(t, over(settings, h.addr))
		_, _ = io.WriteString(b.dial(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		<-h.asked
		got := b.raw(askOnce)
		if again := strings.Contains(got, "\r\nRetry-After: 1\r\n"); !strings.HasSuffix(got, "\r\n\r\n"+text) || again != (text[:3] == "503") {
			t.Errorf("%s: %q, want %q", settings, got, text)
		}
		close(h.answer)
		b.proxy.Close()
	}
}

// TestDeadTargetAndFullSibling: a request whose target is dead waits for room at the
// other one, and does not go over its limit.
func TestDeadTargetAndFullSibling(t *testing.T) {
	h := newHeld(t)
	b := serve(t, over(`"balance": "round_robin", "concurrency": { "target_max": 2, "queue": 100, "queue_timeout": "1m" }`, deadAddress(t), h.addr))
	t.Cleanup(b.proxy.Close)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if status, body := b.get("/"); status != 200 {
				t.Errorf("%d %q", status, body)
			}
		})
	}
	for range 20 {
		<-h.asked
		h.answer <- struct{}{}
	}
	all.Wait()
	if n := h.most.Load(); n > 2 {
		t.Errorf("%d requests at once, want at most 2", n)
	}
}

// TestPlacesAreGivenBack however a request ends.
func TestPlacesAreGivenBack(t *testing.T) {
	const settings = `"concurrency": { "max": 1, "queue": 0 }, "timeouts": { "response_header": "50ms" }`
	endings := map[string]func(b *bed){
		"answered": func(b *bed) { b.get("/") },
		"refused":  func(b *bed) { b.raw("GET / HTTP/1.1\r\n\r\n") },
		"abandoned": func(b *bed) {
			c := b.dial()
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
			_ = c.Close()
		},
	}
	targets := map[string]string{
		"good": answering(t, hello), "dead": deadAddress(t), "broken": answering(t, "nonsense\r\n\r\n"),
		"cut":    answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhe"),
		"silent": origin(t, func(_ net.Conn, br *bufio.Reader) { _, _ = io.Copy(io.Discard, br) }),
		"busy":   answering(t, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
	}
	other := answering(t, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
	for name, addr := range targets {
		for how, ask := range endings {
			b := serve(t, over(settings+`, "retry": { "statuses": [503], "attempts": 3 }`, addr, other))
			if how != "answered" || name != "cut" { // which get takes for an error of its own
				ask(b)
			}
			within(t, fmt.Sprintf("%s, %s: the place is given back", name, how), func() bool {
				s := b.proxy.Generation().UpstreamList()[0]
				return b.proxy.InFlight() == 0 && s.Concurrency.InFlight == 0 && s.Targets[0].InFlight == 0 && s.Targets[1].InFlight == 0
			})
			b.proxy.Close()
		}
	}
}

// TestOverloadIsAnsweredAtOnce: an origin that gets slower with every request it has
// is kept near where it does best, and what is too much is told so in no time.
func TestOverloadIsAnsweredAtOnce(t *testing.T) {
	var inFlight atomic.Int64
	slow := origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			n := inFlight.Add(1)
			time.Sleep(time.Duration(max(n, 4)) * 2 * time.Millisecond)
			inFlight.Add(-1)
			if _, err := io.WriteString(c, hello); err != nil {
				return
			}
		}
	})
	b := serve(t, over(`"concurrency": { "queue": 0, "adaptive": { "min": 2, "max": 500 } }`, slow))
	t.Cleanup(b.proxy.Close)
	stop := make(chan struct{})
	var all sync.WaitGroup
	var refused atomic.Int64
	for range 64 {
		all.Go(func() {
			c := b.dial()
			br := bufio.NewReader(c)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
					t.Error(err)
					return
				}
				head, err := readHead(br)
				if err != nil {
					t.Error(err)
					return
				}
				length := int64(len("hello"))
				if strings.HasPrefix(head, "HTTP/1.1 503") {
					refused.Add(1)
					length = int64(len("503 upstream is at its request limit\n"))
					time.Sleep(5 * time.Millisecond) // as a client that heeds Retry-After would, and longer
				}
				_, _ = io.CopyN(io.Discard, br, length)
			}
		})
	}
	within(t, "the limit is found and requests are refused", func() bool {
		s := b.proxy.Generation().UpstreamList()[0].Concurrency
		return refused.Load() > 100 && s.LatencyMS > 0 && s.BaselineMS > 0 && s.Limit < 64
	})
	close(stop)
	all.Wait()
}

// TestRefusedRequestsDoNotAllocate counts every allocation of the process.
func TestRefusedRequestsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, settings := range map[string]string{
		"concurrency": `"concurrency": { "max": 1, "queue": 0 }`,
		"connections": `"connections": { "max": 1, "queue_timeout": "0s" }`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeld(t)
			b := serve(t, over(settings, h.addr))
			t.Cleanup(b.proxy.Close)
			t.Cleanup(func() { close(h.answer) })
			_, _ = io.WriteString(b.dial(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
			<-h.asked
			length := len(b.raw(askOnce)) - len("Connection: close\r\n")
			r := newRoundTripper(t, b, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", length)
			for range 100 {
				r.do(t)
			}
			runtime.GC()
			if n := testing.AllocsPerRun(1000, func() { r.do(t) }); n >= 0.1 {
				t.Errorf("%v allocations per refused request, want none", n)
			}
			if !strings.HasPrefix(string(r.answer), "HTTP/1.1 503 ") {
				t.Errorf("answered %q", r.answer)
			}
		})
	}
}

// BenchmarkRefusedRequest is a whole request that finds its upstream full.
func BenchmarkRefusedRequest(b *testing.B) {
	h := newHeld(b)
	bed := serve(b, over(`"concurrency": { "max": 1, "queue": 0 }`, h.addr))
	b.Cleanup(bed.proxy.Close)
	b.Cleanup(func() { close(h.answer) })
	_, _ = io.WriteString(bed.dial(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
	<-h.asked
	length := len(bed.raw(askOnce)) - len("Connection: close\r\n")
	r := newRoundTripper(b, bed, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", length)
	b.ReportAllocs()
	for b.Loop() {
		r.do(b)
	}
}
