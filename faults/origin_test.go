package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func startTarget(t *testing.T, behind *link, ip string) *target {
	t.Helper()
	address, err := freeAddress(ip, behind)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := &target{address: address, notes: filepath.Join(dir, "notes"), log: filepath.Join(dir, "log"), behind: behind}
	if err := o.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.origin.close() })
	return o
}

// TestMisbehaviour has a client see each misbehaviour for what it is, and the
// origin note every request.
func TestMisbehaviour(t *testing.T) {
	o := startTarget(t, nil, "127.0.0.1")
	c := &client{address: o.address}
	defer c.close()
	asked := 0
	for _, x := range []struct{ mode, out string }{
		{"well", well}, {"503", "status 503 Service Unavailable"}, {"reset", closedIdle}, {"reset", noAnswer}, {"half-head", "malformed answer"},
		{"half-body", cutShort}, {"garbage", "malformed answer"}, {"slow", well},
	} {
		if err := o.be(x.mode, 1, time.Millisecond); err != nil {
			t.Fatal(err)
		}
		asked++
		if out := c.do("GET", x.mode); !strings.HasPrefix(out, x.out) {
			t.Errorf("%s: %q, want %q", x.mode, out, x.out)
		}
	}
	text, err := os.ReadFile(o.notes)
	if n := strings.Count(string(text), "\n"); err != nil || n != asked {
		t.Errorf("%d requests noted of %d: %v", n, asked, err)
	}
	if _, err := o.origin.tell("nonsense"); err != nil {
		t.Error(err)
	}
	s := &stage{}
	s.kill(o)
	if out := c.do("GET", "x"); out != refused {
		t.Errorf("killed: %q", out)
	}
	if err := o.start(); err != nil {
		t.Fatal(err)
	}
	if out := c.do("GET", "x"); out != well {
		t.Errorf("started again: %q", out)
	}
}

// TestClientRepeats: a client that may repeats what may be repeated.
func TestClientRepeats(t *testing.T) {
	o := startTarget(t, nil, "127.0.0.1")
	c := &client{address: o.address, again: true}
	defer c.close()
	if out := c.do("POST", "a"); out != well {
		t.Fatal(out)
	}
	if err := o.be("reset", 1, 0); err != nil {
		t.Fatal(err)
	}
	if out := c.do("POST", "b"); out != closedIdle {
		t.Errorf("POST: %q", out)
	}
	if err := o.well(); err != nil {
		t.Fatal(err)
	}
	if out := c.do("POST", "c"); out != well {
		t.Fatal(out)
	}
	if err := o.be("reset", 1, 0); err != nil {
		t.Fatal(err)
	}
	if out := c.do("GET", "d"); out != noAnswer {
		t.Errorf("GET: %q", out)
	}
	text, _ := os.ReadFile(o.notes)
	if string(text) != "POST a\nPOST b\nPOST c\nGET d\nGET d\n" {
		t.Errorf("the origin read %q", text)
	}
}

// TestLink has requests pass a link, in no less than its delay, and none when all
// is lost.
func TestLink(t *testing.T) {
	if !here.world.links {
		t.Skip("no namespaces or no /dev/net/tun here")
	}
	l, err := newLink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	o := startTarget(t, l, l.far)
	c := &client{address: o.address}
	defer c.close()
	if out := c.do("GET", "a"); out != well {
		t.Fatal(out)
	}
	const delay = 50 * time.Millisecond
	l.set(weather{delay: delay})
	begun := time.Now()
	if out := c.do("GET", "b"); out != well || time.Since(begun) < 2*delay {
		t.Errorf("%q after %v, want both ways of %v", out, time.Since(begun), delay)
	}
	l.set(weather{loss: 1})
	out := make(chan string, 1)
	go func() { out <- c.do("GET", "c") }()
	select {
	case got := <-out:
		t.Errorf("all is lost, and still %q", got)
	case <-time.After(500 * time.Millisecond):
	}
	l.set(weather{})
	if got := <-out; got != well {
		t.Errorf("after the link is back: %q", got)
	}
}
