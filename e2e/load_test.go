package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// load is traffic that must not notice what happens to the config.
type load struct {
	stop    context.CancelFunc
	running sync.WaitGroup
	done    atomic.Int64
	failed  atomic.Int64
	refused atomic.Int64           // of those that failed, for want of a connection
	first   atomic.Pointer[string] // what else went wrong first
}

// startLoad has 8 clients that keep their connections and 2 that do not send
// requests until stopped; each answer must have the body "A" or "B", the
// origins' names.
func startLoad(t *testing.T, addr string) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	for i := range 10 {
		c := client(t)
		if i >= 8 {
			c.Transport.(*http.Transport).DisableKeepAlives = true
		}
		l.running.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				l.request(c, addr, n)
			}
		})
	}
	return l
}

// notConnected reports whether there was no connection to be had, be it that the
// listener closed in the middle of the handshake, or right after it: what the
// kernel has taken in since the last look is reset by it. unheard says that the
// connection was a new one, over which nothing had come.
func notConnected(err error, unheard bool) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || unheard) &&
		(errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET))
}

func (l *load) request(c *http.Client, addr string, n int) {
	method, body := "GET", ""
	if n%3 == 0 {
		method, body = "POST", strings.Repeat("x", 1000*(n%50))
	}
	req, _ := http.NewRequest(method, "http://"+addr+"/load", strings.NewReader(body))
	var unheard atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn:              func(info httptrace.GotConnInfo) { unheard.Store(!info.Reused) },
		GotFirstResponseByte: func() { unheard.Store(false) },
	}))
	a, err := try(c, req)
	problem := ""
	switch {
	case notConnected(err, unheard.Load()):
		l.refused.Add(1)
		l.failed.Add(1)
	case err != nil:
		problem = err.Error()
	case a.StatusCode != 200 || a.body != "A" && a.body != "B":
		problem = fmt.Sprintf("%d %q", a.StatusCode, a.body)
	}
	l.done.Add(1)
	if problem != "" {
		l.failed.Add(1)
		l.first.CompareAndSwap(nil, &problem)
	}
}

// awaitMore waits until there have been so many requests more.
func (l *load) awaitMore(t *testing.T, n int64) {
	t.Helper()
	goal := l.done.Load() + n
	for begun := time.Now(); l.done.Load() < goal; time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatal("the traffic has come to a halt")
		}
	}
}

// problem is what went wrong first, save connections refused.
func (l *load) problem() string {
	if first := l.first.Load(); first != nil {
		return *first
	}
	return "none"
}

// end stops the traffic; not one request may have failed.
func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	l.running.Wait()
	if n := l.failed.Load(); n > 0 {
		t.Errorf("%d of %d requests failed, %d to connect; the first else: %v", n, l.done.Load(), l.refused.Load(), l.problem())
	}
	t.Logf("%d requests", l.done.Load())
}

// longAnswer is a response that goes on over many reloads.
type longAnswer struct {
	next chan string // what the origin sends next; closed for the end
	resp *http.Response
	br   *bufio.Reader
}

// serveLong is the origin's side.
func (l *longAnswer) serveLong(w http.ResponseWriter, r *http.Request) {
	w.(http.Flusher).Flush()
	for {
		select {
		case text, ok := <-l.next:
			if !ok {
				return
			}
			_, _ = fmt.Fprintln(w, text)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		case <-time.After(2 * patience):
			return
		}
	}
}

func (l *longAnswer) open(t *testing.T, addr string) {
	t.Helper()
	resp, err := client(t).Get("http://" + addr + "/long")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	l.resp, l.br = resp, bufio.NewReader(resp.Body)
}

// wants sends a line through the answer.
func (l *longAnswer) wants(t *testing.T, text string) {
	t.Helper()
	to(t, l.next, text)
	if got, err := l.br.ReadString('\n'); got != text+"\n" || err != nil {
		t.Fatalf("the long answer: %q, %v; want %q", got, err, text)
	}
}

// wantsEnd ends it, which must look like its end.
func (l *longAnswer) wantsEnd(t *testing.T) {
	t.Helper()
	close(l.next)
	if rest, err := l.br.ReadString('\n'); rest != "" || err == nil || err.Error() != "EOF" {
		t.Errorf("the long answer ends with %q, %v", rest, err)
	}
}
