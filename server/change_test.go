package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/server"
)

// freeAddress returns an address that nobody listens on for now.
func freeAddress(t *testing.T) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr)
}

// TestAcceptsFromCommitOn: who connects to a listener that is prepared waits.
func TestAcceptsFromCommitOn(t *testing.T) {
	var committed, early atomic.Bool
	e := newEdge(t, func(ctx *fasthttp.RequestCtx) {
		early.Store(!committed.Load())
		_ = answerOK(ctx.Conn().(*server.Conn))
	})
	at := freeAddress(t)
	change, err := e.Prepare(context.Background(), listeners(at.String()), limits(nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Addresses()) != 0 || e.Open() != 0 {
		t.Errorf("before the commit: addresses %v, %d connections", e.Addresses(), e.Open())
	}
	p := dial(t, at).send(ask)
	committed.Store(true)
	change.Commit()
	p.ok()
	if early.Load() {
		t.Error("a request was served before the commit")
	}
	if got := e.Addresses()[at.String()]; got == nil || got.String() != at.String() {
		t.Errorf("listens on %v, want %s", got, at)
	}
}

func TestDiscardLeavesEverything(t *testing.T) {
	e := serve(t, nil, nil)
	p := e.dial(here).send(ask)
	p.ok()
	at := freeAddress(t)
	change, err := e.Prepare(context.Background(), listeners(at.String()), limits(nil))
	if err != nil {
		t.Fatal(err)
	}
	change.Discard()
	refusedDial(t, at)
	p.send(ask).ok()
	e.dial(here).send(ask).ok()
}

func TestRemovedListenerDrains(t *testing.T) {
	e := newEdge(t, nil)
	e.use(limits(nil), here, there)
	stays, gone := e.Addresses()[here], e.Addresses()[there]
	other := e.dial(here).send(ask)
	other.ok()
	waiting := e.dial(there).send(ask)
	waiting.ok()
	fresh := e.dial(there) // has not asked anything yet
	busy := e.dial(there).send(hold)
	<-e.begun

	e.use(limits(nil), here)
	refusedDial(t, gone)
	if got := waiting.rest(); got != "" {
		t.Errorf("a waiting connection was sent %q", got)
	}
	if got := fresh.rest(); got != "" {
		t.Errorf("a connection without a request was sent %q", got)
	}
	close(e.release)
	if !busy.ok() {
		t.Error("the last answer does not say that the connection ends")
	}
	if got := busy.rest(); got != "" {
		t.Errorf("after the last answer came %q", got)
	}
	other.send(ask).ok()
	if got := e.Addresses()[here]; got.String() != stays.String() {
		t.Errorf("the listener that stays moved from %s to %s", stays, got)
	}
}

func TestDrainTimeoutCutsItsOwnConnectionsOnly(t *testing.T) {
	e := newEdge(t, nil)
	e.use(limits(nil), here, there, "127.0.0.3:0")
	first, second := e.dial(there).send(hold), e.dial(here).send(hold)
	<-e.begun
	<-e.begun
	begun := time.Now()
	const drain = 150 * time.Millisecond
	e.use(limits(func(l *config.Limits) { l.DrainTimeout = config.Duration(drain) }), here, "127.0.0.3:0")
	e.use(limits(nil), "127.0.0.3:0")
	if n, err := first.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes came of an exchange that never ended", n)
	}
	if took := time.Since(begun); took < drain {
		t.Errorf("cut after %v, want no sooner than %v", took, drain)
	}
	close(e.release)
	second.ok()
}

func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	e := newEdge(t, nil)
	free := freeAddress(t)
	_, err = e.Prepare(context.Background(),
		listeners(free.String(), taken.Addr().String(), "127.0.0.1:99999"), limits(nil))
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("error %v, want a joined one", err)
	}
	var at []int
	for _, one := range joined.Unwrap() {
		var le *server.ListenError
		if !errors.As(one, &le) {
			t.Fatalf("%v is no ListenError", one)
		}
		at = append(at, le.Index)
	}
	if len(at) != 2 || at[0] != 1 || at[1] != 2 {
		t.Errorf("failing listeners %v, want 1 and 2", at)
	}
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "cannot listen on "+taken.Addr().String()) {
		t.Errorf("error %q does not say that the address is in use", err)
	}
	refusedDial(t, free)
}

func TestUnixListener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	e := newEdge(t, nil)
	var le *server.ListenError
	if _, err := e.Prepare(context.Background(), listeners("unix:"+path), limits(nil)); !errors.As(err, &le) {
		t.Errorf("a socket that somebody listens on: %v, want a ListenError", err)
	}
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the other's socket was spoiled: %v", err)
	} else {
		_ = c.Close()
	}
	_ = left.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("nothing was left behind: %v", err)
	}
	e.use(limits(nil), "unix:"+path)
	e.dial("unix:" + path).send(ask).ok()
}

func TestUnixListenerSparesFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := newEdge(t, nil)
	if _, err := e.Prepare(context.Background(), listeners("unix:"+path), limits(nil)); err == nil {
		t.Error("a file was replaced by a socket")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "data" {
		t.Errorf("the file is now %q, %v", b, err)
	}
}

// TestHeadLimitChanges raises limits.header_bytes and lowers it again under
// connections that stay.
func TestHeadLimitChanges(t *testing.T) {
	size := func(n config.Size) config.Limits {
		return limits(func(l *config.Limits) { l.HeaderBytes = n })
	}
	long := "GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("x", 20<<10) + "\r\n\r\n"
	e := newEdge(t, nil)
	e.use(size(16<<10), here)
	old := e.dial(here).send(ask)
	old.ok()
	e.dial(here).send(long).wants("431")

	e.use(size(32<<10), here)
	raised := e.dial(here).send(long)
	raised.ok()
	raised.send(long).ok()
	old.send(ask).ok()

	e.use(size(16<<10), here)
	raised.send(ask).ok()
	raised.send(long).wants("431")
	e.dial(here).send(long).wants("431")
	old.send(ask).ok()
}

// TestRaisedHeadLimitOnOldConnection: a connection from before may serve the
// longer head or refuse it, but must say so.
func TestRaisedHeadLimitOnOldConnection(t *testing.T) {
	e := serve(t, nil, nil)
	p := e.dial(here).send(ask)
	p.ok()
	e.use(limits(func(l *config.Limits) { l.HeaderBytes = 64 << 10 }), here)
	for _, n := range []int{17 << 10, 20 << 10, 30 << 10} {
		p := p
		if n > 17<<10 {
			p = e.dial(here)
		}
		p.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: " + strings.Repeat("x", n) + "\r\n\r\n")
		if got := p.rest(); !strings.HasPrefix(got, "HTTP/1.1 200 ") && !strings.HasPrefix(got, "HTTP/1.1 431 ") {
			t.Errorf("a head of %d bytes is answered %q", n, got)
		}
	}
}

// TestReloadsLoseNoConnection changes what makes listeners start over while
// clients come and go.
func TestReloadsLoseNoConnection(t *testing.T) {
	e := serve(t, nil, nil)
	at := e.Addresses()[here]
	stop, failed := make(chan struct{}), make(chan error, 4)
	for range cap(failed) {
		go func() { failed <- askUntil(stop, at) }()
	}
	for i := range 100 {
		e.use(limits(func(l *config.Limits) { l.HeaderBytes = config.Size(8<<10 + i%2) }), here)
	}
	close(stop)
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// askUntil asks over new connections until stop is closed.
func askUntil(stop chan struct{}, at net.Addr) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			return err
		}
		_, _ = io.WriteString(c, last)
		answer, err := io.ReadAll(c)
		_ = c.Close()
		if err != nil || !strings.HasSuffix(string(answer), "ok") {
			return errors.Join(errors.New("answer "+string(answer)), err)
		}
	}
}
