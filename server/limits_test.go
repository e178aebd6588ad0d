package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/sock"
)

// short is a timeout that is meant to pass, long one that is not.
const short = config.Duration(60 * time.Millisecond)

func TestConnectionLimit(t *testing.T) {
	e := serve(t, func(l *config.Limits) { l.Connections = 2 }, nil)
	first, second := e.dial(here).send(ask), e.dial(here).send(ask)
	first.ok()
	second.ok()
	e.dial(here).wants("503")
	if got := e.dial(here).rest(); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "\r\nRetry-After: 1\r\n") {
		t.Errorf("answer %q, want a 503 with Retry-After", got)
	}
	if n := e.Open(); n != 2 {
		t.Errorf("%d connections open, want 2", n)
	}
	if got, want := e.refusals(), []string{"too many connections", "too many connections"}; !slices.Equal(got, want) {
		t.Errorf("refusals %q, want %q", got, want)
	}
	_ = first.Close()
	within(t, "the closed connection is given up", func() bool { return e.Open() == 1 })
	e.dial(here).send(ask).ok()
	second.send(ask).ok()
}

// TestConnectionLimitChanges: a reload's limit counts for connections to come.
func TestConnectionLimitChanges(t *testing.T) {
	e := serve(t, nil, nil)
	first, second := e.dial(here).send(ask), e.dial(here).send(ask)
	first.ok()
	second.ok()
	e.use(limits(func(l *config.Limits) { l.Connections = 1 }), here)
	e.dial(here).wants("503")
	first.send(ask).ok()
	second.send(ask).ok()
	e.use(limits(nil), here)
	e.dial(here).send(ask).ok()
}

func TestShutdownEndsWhatWaits(t *testing.T) {
	e := serve(t, nil, nil)
	at := e.Addresses()[here]
	waiting := e.dial(here).send(ask)
	waiting.ok()
	silent := e.dial(here)
	within(t, "both connections are there", func() bool { return e.Open() == 2 })
	begun := time.Now()
	if err := e.Shutdown(context.Background()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %v, with nothing under way", took)
	}
	if got := waiting.rest() + silent.rest(); got != "" {
		t.Errorf("waiting connections were sent %q", got)
	}
	refusedDial(t, at)
	if e.Open() != 0 || len(e.Addresses()) != 0 {
		t.Errorf("%d connections and listeners %v are left", e.Open(), e.Addresses())
	}
}

// TestShutdownAnswersWhatHasArrived: a request that was sent before the shutdown
// began is answered, on a new connection and on a kept one.
func TestShutdownAnswersWhatHasArrived(t *testing.T) {
	for range 30 {
		e := serve(t, nil, nil)
		kept, fresh := e.dial(here).send(ask), e.dial(here)
		kept.ok()
		within(t, "both connections are there", func() bool { return e.Open() == 2 })
		kept.send(ask)
		fresh.send(ask)
		if err := e.Shutdown(context.Background()); err != nil {
			t.Fatalf("shutdown: %v", err)
		}
		// Whether they say that the connection ends depends on which was first.
		kept.ok()
		fresh.ok()
	}
}

// TestShutdownLetsComingRequestsEnd: the first half of a request arrives while
// the shutdown begins; the second half may follow in its own time.
func TestShutdownLetsComingRequestsEnd(t *testing.T) {
	for range 100 {
		e := serve(t, nil, nil)
		p := e.dial(here)
		within(t, "the connection is there", func() bool { return e.Open() == 1 })
		p.send(ask[:10])
		ended := make(chan error, 1)
		go func() { ended <- e.Shutdown(context.Background()) }()
		within(t, "the listener is closed", func() bool { return len(e.Addresses()) == 0 })
		p.send(ask[10:]).ok()
		if err := <-ended; err != nil {
			t.Fatalf("shutdown: %v", err)
		}
	}
}

func TestShutdownLetsExchangesEnd(t *testing.T) {
	e := serve(t, nil, nil)
	busy := e.dial(here).send(hold)
	<-e.begun
	half := e.dial(here).send("GET / HTTP/1.1\r\n")
	within(t, "the half head is there", func() bool { return e.Open() == 2 })
	at := e.Addresses()[here]
	ended := make(chan error, 1)
	go func() { ended <- e.Shutdown(context.Background()) }()
	within(t, "the listener is closed", func() bool { return len(e.Addresses()) == 0 })
	refusedDial(t, at)
	select {
	case err := <-ended:
		t.Fatalf("shutdown ended (%v) before the exchange", err)
	default:
	}
	close(e.release)
	if !busy.ok() {
		t.Error("the last answer does not say that the connection ends")
	}
	_ = half.Close()
	if err := <-ended; err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func TestShutdownCutsWhenItsTimeIsOver(t *testing.T) {
	e := serve(t, nil, nil)
	busy := e.dial(here).send(hold)
	<-e.begun
	defer close(e.release)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(short))
	defer cancel()
	if err := e.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v, want that its time is over", err)
	}
	if n, err := busy.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes came of an exchange that never ended", n)
	}
}

func TestHeaderTimeout(t *testing.T) {
	e := serve(t, func(l *config.Limits) { l.HeaderTimeout = short }, nil)
	begun := time.Now()
	e.dial(here).send("GET / HTTP/1.1\r\nHost").wants("408")
	if took := time.Since(begun); took < time.Duration(short) {
		t.Errorf("refused after %v, want no sooner than %v", took, short)
	}
	if got := e.refusals(); !slices.Equal(got, []string{"request head took too long"}) {
		t.Errorf("refusals %q", got)
	}
	// One that says nothing at all is told nothing.
	if got := e.dial(here).rest(); got != "" {
		t.Errorf("a silent connection was sent %q", got)
	}
	// A head that comes drop by drop has no more time than another.
	drops := e.dial(here).send("GET / HTTP/1.1\r\nX: ")
	go func() {
		tick := time.NewTicker(time.Duration(short) / 8)
		defer tick.Stop()
		for range tick.C {
			if _, err := drops.Write([]byte("x")); err != nil {
				return
			}
		}
	}()
	if got := drops.head(); !strings.HasPrefix(got, "HTTP/1.1 408 ") {
		t.Errorf("answer %q, want 408", got)
	}
}

func TestIdleTimeout(t *testing.T) {
	e := serve(t, func(l *config.Limits) { l.IdleTimeout = short }, nil)
	p := e.dial(here).send(ask)
	p.ok()
	begun := time.Now()
	if got := p.rest(); got != "" {
		t.Errorf("an idle connection was sent %q", got)
	}
	if took := time.Since(begun); took < time.Duration(short)/2 {
		t.Errorf("closed after %v, with %v allowed", took, short)
	}
	if got := e.refusals(); len(got) != 0 {
		t.Errorf("refusals %q, want none", got)
	}
	// Busy connections are not idle, however long an exchange takes.
	busy := e.dial(here).send(hold)
	<-e.begun
	<-time.After(2 * time.Duration(short))
	close(e.release)
	busy.ok()
}

// readBody answers "ok" and reports what reading the body came to.
func readBody(read chan<- string, failed chan<- error) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		b, buf := c.Body(), make([]byte, 4096)
		var all bytes.Buffer
		err := b.Continue()
		for err == nil {
			var data []byte
			data, err = b.Next(buf)
			all.Write(data)
		}
		read <- all.String()
		failed <- err
		_ = answerOK(c)
	}
}

func TestBodyTimeout(t *testing.T) {
	for name, request := range map[string]string{
		"length":  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
		"chunked": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			read, failed := make(chan string, 1), make(chan error, 1)
			e := serve(t, func(l *config.Limits) { l.BodyTimeout = short }, readBody(read, failed))
			begun := time.Now()
			p := e.dial(here).send(request)
			if got := <-read; got != "abc" {
				t.Errorf("read %q, want abc", got)
			}
			if err := <-failed; !errors.Is(err, server.ErrBodyTimeout) {
				t.Errorf("ended with %v, want %v", err, server.ErrBodyTimeout)
			}
			if took := time.Since(begun); took < time.Duration(short) {
				t.Errorf("gave up after %v, want no sooner than %v", took, short)
			}
			if !p.ok() {
				t.Error("the connection is not said to end")
			}
		})
	}
}

func TestWriteTimeout(t *testing.T) {
	failed := make(chan error, 1)
	e := serve(t, func(l *config.Limits) { l.WriteTimeout = short }, func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		block, err := make([]byte, 1<<20), error(nil)
		for err == nil {
			err = c.Send(block)
		}
		failed <- err
	})
	e.dial(here).send(ask) // and never reads
	if err := <-failed; !sock.IsTimeout(err) {
		t.Errorf("writing ended with %v, want a timeout", err)
	}
	within(t, "the connection is given up", func() bool { return e.Open() == 0 })
}

// TestLingeringClose: a client that is still sending its body when it is answered
// must be able to read the answer.
func TestLingeringClose(t *testing.T) {
	e := serve(t, nil, func(ctx *fasthttp.RequestCtx) {
		_ = answerOK(ctx.Conn().(*server.Conn))
	})
	p := e.dial(here).send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
	p.send(strings.Repeat("x", 3_000_000))
	if !p.ok() {
		t.Error("the connection is not said to end")
	}
	if got := p.rest(); got != "" {
		t.Errorf("after the answer came %q", got)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	e := serve(t, func(l *config.Limits) { l.BodyBytes = 10 }, nil)
	cases := []struct{ request, status, reason string }{
		{"GET / HTTP/1.1\r\n\r\n", "400", "missing host"},
		{"nonsense\r\n\r\n", "400", "malformed request line"},
		{"GET / HTTP/1.1\nHost: a\n\n", "400", "line not ended by crlf"},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 40_000), "431", "request head too long"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", "413", "request body too long"},
	}
	var want []string
	for _, c := range cases {
		want = append(want, c.reason)
		e.dial(here).send(c.request).wants(c.status)
	}
	if got := e.refusals(); !slices.Equal(got, want) {
		t.Errorf("refusals\n got %q\nwant %q", got, want)
	}
	_ = e.dial(here).send("GET / HT").Close() // leaving is no offence
	within(t, "the connection is given up", func() bool { return e.Open() == 0 })
	if got := e.refusals(); len(got) != len(want) {
		t.Errorf("further refusals %q", got[len(want):])
	}
}

// childVariable makes this test binary the server of TestRunsOutOfDescriptors.
const childVariable = "SLUICE_TEST_FEW_DESCRIPTORS"

// TestRunsOutOfDescriptors lets a server meet its limit of open files: it says so,
// serves those it has, and the others as soon as it can.
func TestRunsOutOfDescriptors(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		serveWithFewDescriptors(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestRunsOutOfDescriptors$", "-test.timeout=60s")
	child.Env = append(os.Environ(), childVariable+"=1")
	stdin, _ := child.StdinPipe()
	stdout, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stdin.Close() // ends the child
		_ = child.Wait()
	}()
	lines := bufio.NewScanner(stdout)
	at, err := net.ResolveTCPAddr("tcp", nextLine(lines, "address "))
	if err != nil {
		t.Fatal(err)
	}
	var peers []*peer
	for range 64 {
		peers = append(peers, dial(t, at))
	}
	if got := nextLine(lines, "trouble "); !strings.Contains(got, "too many open files") {
		t.Fatalf("the server told of %q", got)
	}
	peers[0].send(ask).ok()
	for _, p := range peers[:63] {
		_ = p.Close()
	}
	peers[63].send(ask).ok()
	dial(t, at).send(ask).ok()
}

// nextLine returns the rest of the next line that begins as told.
func nextLine(lines *bufio.Scanner, begins string) string {
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), begins); ok {
			return rest
		}
	}
	return "nothing"
}

func serveWithFewDescriptors(t *testing.T) {
	s := server.New(server.Options{
		Handler: func(ctx *fasthttp.RequestCtx) { _ = answerOK(ctx.Conn().(*server.Conn)) },
		Trouble: func(_ string, err error) { fmt.Printf("trouble %v\n", err) },
	})
	change, err := s.Prepare(context.Background(), listeners(here), limits(nil))
	if err != nil {
		t.Fatal(err)
	}
	few := syscall.Rlimit{Cur: 32, Max: 32}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	change.Commit()
	fmt.Printf("address %s\n", s.Addresses()[here])
	_, _ = io.Copy(io.Discard, os.Stdin)
}
