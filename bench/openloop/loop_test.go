//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func load(t *testing.T, url string, args ...string) outcome {
	t.Helper()
	p, err := parse(append(args, url))
	if err != nil {
		t.Fatal(err)
	}
	o, err := run(p)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEveryRequestIsSent(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Method+" "+r.RequestURI+" "+r.Host]++
		mu.Unlock()
		w.Header().Set("Content-Length", "100000") // else net/http sends chunks
		fmt.Fprint(w, strings.Repeat("x", 100000))
	}))
	defer s.Close()
	o := load(t, s.URL+"/a?b=c", "-rate", "200", "-connections", "3", "-duration", "500ms")
	if o.Requests != 100 || o.Errors != 0 || o.Unsent != 0 || o.Rate <= 0 || o.P50 <= 0 || o.P99 < o.P50 || o.Max < o.P999 {
		t.Errorf("got %+v", o)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "GET /a?b=c " + strings.TrimPrefix(s.URL, "http://"); seen[want] != 100 || len(seen) != 1 {
		t.Errorf("the server saw %v", seen)
	}
}

// A stall is charged to every request that was due while it lasted, not only to
// those that were out.
func TestStallCountsForAllThatWereDue(t *testing.T) {
	var mu sync.Mutex
	first := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if first {
			first = false
			time.Sleep(400 * time.Millisecond) // what is measured
		}
	}))
	defer s.Close()
	o := load(t, s.URL, "-rate", "500", "-connections", "2", "-duration", "800ms")
	// The 200 due in the stall waited for 200 ms in the middle; they are half of all.
	if o.Requests != 400 || o.Errors != 0 || o.Max < 390e3 || o.P99 < 300e3 {
		t.Errorf("got %+v", o)
	}
}

func TestFailuresAreCountedAndConnectionsMadeAnew(t *testing.T) {
	var mu sync.Mutex
	count := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		count++
		n := count
		mu.Unlock()
		switch {
		case n%10 == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n%10 == 2:
			panic(http.ErrAbortHandler)
		}
	}))
	defer s.Close()
	o := load(t, s.URL, "-rate", "100", "-connections", "1", "-duration", "1s")
	if o.Requests != 100 || o.Errors != 20 {
		t.Errorf("got %+v; want 20 failures", o)
	}
}

func TestNobodyListens(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	p, err := parse([]string{s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := run(p); err == nil {
		t.Errorf("got %+v", o)
	}
}

func TestTake(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nDate: now\r\ncontent-length: 5\r\n\r\nhello"
	for i := range answer {
		c := conn{busy: true}
		done, err := c.take([]byte(answer[:i]))
		if done || err != nil {
			t.Fatalf("%q: %v, %v", answer[:i], done, err)
		}
		if done, err = c.take([]byte(answer[i:])); !done || err != nil {
			t.Fatalf("%q and %q: %v, %v", answer[:i], answer[i:], done, err)
		}
	}
	c := conn{busy: true}
	if done, err := c.take([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")); !done || err != nil {
		t.Errorf("an empty body: %v, %v", done, err)
	}
	for _, bad := range []string{
		answer + "more", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		strings.Repeat("x", longestHead+1),
	} {
		c := conn{busy: true}
		if done, err := c.take([]byte(bad)); err == nil {
			t.Errorf("%.60q: done %v", bad, done)
		}
	}
	if _, err := (&conn{}).take([]byte("x")); err == nil {
		t.Error("an answer without a request was taken")
	}
}

func TestParse(t *testing.T) {
	p, err := parse([]string{"-rate", "2000", "http://example.test/x?y"})
	if err != nil || p.address != "example.test:80" || !strings.HasPrefix(string(p.request), "GET /x?y HTTP/1.1\r\nHost: example.test\r\n") {
		t.Errorf("got %+v, %q, %v", p, p.request, err)
	}
	for _, bad := range [][]string{{}, {"https://a/"}, {"-rate", "0", "http://a/"}, {"-connections", "0", "http://a/"}, {"http://a/", "b"}, {"/a"}} {
		if p, err := parse(bad); err == nil {
			t.Errorf("%q: got %+v", bad, p)
		}
	}
}
