//go:build linux

package server_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/server"
)

// atOnce has connections park as soon as nothing is there to read.
const atOnce = time.Nanosecond

// parking is serve with connections that park at once.
func parking(t testing.TB, edit func(*config.Limits)) *edge {
	t.Helper()
	e := newParkingEdge(t, atOnce, nil)
	e.use(limits(edit), here)
	return e
}

// parks waits until n connections are parked and no other is open.
func (e *edge) parks(n int64) {
	e.t.Helper()
	within(e.t, fmt.Sprintf("%d connections are parked", n), func() bool { return e.Parked() == n && e.Open() == n })
}

// keeps returns a connection that is parked after an exchange, as the nth.
func (e *edge) keeps(address string, n int64) *peer {
	e.t.Helper()
	p := e.dial(address).send(ask)
	p.ok()
	e.parks(n)
	return p
}

func TestParkedConnectionServes(t *testing.T) {
	const v10 = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
	cases := map[string]struct {
		send    string
		answers int
	}{
		"one request":      {ask, 1},
		"several":          {strings.Repeat(ask, 5), 5},
		"with a body":      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + ask, 2},
		"HTTP/1.0":         {v10, 1},
		"after empty line": {"\r\n" + ask, 1},
	}
	path := filepath.Join(t.TempDir(), "sluice.sock")
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newParkingEdge(t, atOnce, nil)
			e.use(limits(nil), here, "unix:"+path)
			for _, at := range []string{here, "unix:" + path} {
				kept := e.keeps(at, 1)
				for range 3 {
					kept.send(c.send)
					for range c.answers {
						kept.ok()
					}
					e.parks(1)
				}
				_ = kept.Close()
				e.parks(0)
				fresh := e.dial(at)
				e.parks(1)
				fresh.send(c.send)
				for range c.answers {
					fresh.ok()
				}
				_ = fresh.Close()
				e.parks(0)
			}
		})
	}
}

// TestParkedConnectionTakesItsTime gets its request byte by byte.
func TestParkedConnectionTakesItsTime(t *testing.T) {
	e := parking(t, nil)
	p := e.keeps(here, 1)
	for i := range ask {
		p.send(ask[i : i+1])
		runtime.Gosched()
	}
	p.ok()
	e.parks(1)
	p.send("nonsense\r\n\r\n").wants("400")
	e.parks(0)
}

func TestParkedConnectionKeepsWhoItIs(t *testing.T) {
	var mu sync.Mutex
	clients := map[string]int{}
	e := newParkingEdge(t, atOnce, func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		mu.Lock()
		clients[string(c.Client())+" "+c.Addr().String()+" "+c.RemoteAddr().String()]++
		mu.Unlock()
		_ = answerOK(c)
	})
	e.use(limits(nil), here)
	p := e.keeps(here, 1)
	for range 3 {
		p.send(ask).ok()
		e.parks(1)
	}
	if want := "127.0.0.1 127.0.0.1 " + p.LocalAddr().String(); len(clients) != 1 || clients[want] != 4 {
		t.Errorf("requests came from %v, want 4 from %s", clients, want)
	}
}

func TestParkedClientLeaves(t *testing.T) {
	leave := map[string]func(*net.TCPConn){
		"closing":      func(c *net.TCPConn) { _ = c.Close() },
		"with a reset": func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() },
		"halfway":      func(c *net.TCPConn) { _ = c.CloseWrite() },
	}
	for name, how := range leave {
		t.Run(name, func(t *testing.T) {
			e := parking(t, nil)
			kept := e.keeps(here, 1)
			fresh := e.dial(here)
			e.parks(2)
			how(kept.Conn.(*net.TCPConn))
			e.parks(1)
			how(fresh.Conn.(*net.TCPConn))
			e.parks(0)
		})
	}
}

// TestParkedClientAsksAndEndsSending: it is answered still.
func TestParkedClientAsksAndEndsSending(t *testing.T) {
	e := parking(t, nil)
	for range 50 {
		p := e.keeps(here, 1)
		p.send(ask)
		_ = p.Conn.(*net.TCPConn).CloseWrite()
		if got := p.rest(); !strings.HasSuffix(got, "ok") {
			t.Fatalf("answer %q", got)
		}
		e.parks(0)
	}
}

func TestParkedConnectionTimesOut(t *testing.T) {
	e := parking(t, func(l *config.Limits) { l.IdleTimeout = short })
	begun := time.Now()
	p := e.keeps(here, 1)
	other := e.dial(here) // has the header timeout, which is long
	if got := p.rest(); got != "" {
		t.Errorf("it was sent %q", got)
	}
	if took := time.Since(begun); took < time.Duration(short) {
		t.Errorf("closed after %v, with %v allowed", took, short)
	}
	e.parks(1)
	other.send(ask).ok()

	e = parking(t, func(l *config.Limits) { l.HeaderTimeout = short })
	begun = time.Now()
	p = e.keeps(here, 1)
	if got := e.dial(here).rest(); got != "" {
		t.Errorf("it was sent %q", got)
	}
	if took := time.Since(begun); took < time.Duration(short) {
		t.Errorf("closed after %v, with %v allowed", took, short)
	}
	e.parks(1)
	p.send(ask).ok()
	if got := e.refusals(); len(got) != 0 {
		t.Errorf("refusals %q", got)
	}
}

// TestParkedConnectionsTimeOutInTurn has each client stay for less than the
// timeout after its last request, and then leave all at once.
func TestParkedConnectionsTimeOutInTurn(t *testing.T) {
	e := parking(t, func(l *config.Limits) { l.IdleTimeout = 4 * short })
	var all []*peer
	for i := range 20 {
		all = append(all, e.dial(here).send(ask))
		all[i].ok()
		all[0].send(ask).ok()
	}
	for _, p := range all {
		if got := p.rest(); got != "" {
			t.Errorf("it was sent %q", got)
		}
	}
	e.parks(0)
}

// TestParkedConnectionTimesOutAfterAReload: the new timeout counts for those that
// are parked already.
func TestParkedConnectionTimesOutAfterAReload(t *testing.T) {
	e := parking(t, func(l *config.Limits) { l.IdleTimeout = 0; l.HeaderTimeout = 0 })
	kept, fresh := e.keeps(here, 1), e.dial(here)
	e.parks(2)
	e.use(limits(func(l *config.Limits) { l.IdleTimeout = short }), here)
	if got := kept.rest(); got != "" {
		t.Errorf("it was sent %q", got)
	}
	e.parks(1)
	e.use(limits(func(l *config.Limits) { l.HeaderTimeout = short }), here)
	if got := fresh.rest(); got != "" {
		t.Errorf("it was sent %q", got)
	}
	e.parks(0)
}

func TestParkedConnectionsCount(t *testing.T) {
	e := parking(t, func(l *config.Limits) { l.Connections = 2 })
	first := e.keeps(here, 1)
	second := e.keeps(here, 2)
	e.dial(here).wants("503")
	_ = first.Close()
	e.parks(1)
	e.keeps(here, 2)
	second.send(ask).ok()
}

// TestParkedConnectionsHaveNoGoroutine counts them.
func TestParkedConnectionsHaveNoGoroutine(t *testing.T) {
	const n = 300
	e := parking(t, nil)
	e.keeps(here, 1)
	before := runtime.NumGoroutine()
	var all []*peer
	for range n {
		all = append(all, e.dial(here).send(ask))
	}
	for _, p := range all {
		p.ok()
	}
	e.parks(n + 1)
	// fasthttp keeps goroutines for a while that have nothing to do.
	within(t, "the goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+n/10 })
	for _, p := range all {
		p.send(ask).ok()
		_ = p.Close()
	}
	e.parks(1)
}

// TestManyParkedConnectionsAreTidiedUpAfter: garbage is collected that they left.
func TestManyParkedConnectionsAreTidiedUpAfter(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a thousand connections")
	}
	e := parking(t, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 1000 {
		e.dial(here)
	}
	e.parks(1000)
	within(t, "garbage is collected", func() bool {
		runtime.ReadMemStats(&after)
		return after.NumForcedGC > before.NumForcedGC
	})
}

// TestNothingParks: with a negative ParkAfter, and before its time has come.
func TestNothingParks(t *testing.T) {
	for _, after := range []time.Duration{-1, time.Minute} {
		e := newParkingEdge(t, after, nil)
		e.use(limits(func(l *config.Limits) { l.IdleTimeout = short }), here)
		p := e.dial(here).send(ask)
		p.ok()
		if got := p.rest(); got != "" || e.Parked() != 0 {
			t.Errorf("%q came, and %d are parked", got, e.Parked())
		}
	}
}

// TestParkingHammer has clients that ask, pause and leave at random over
// connections that park between any two reads, and wants every answer exact; also
// beside so many others that they are parked with less.
func TestParkingHammer(t *testing.T) {
	for _, others := range []int{0, 300} {
		t.Run(fmt.Sprintf("beside %d", others), func(t *testing.T) { parkingHammer(t, others) })
	}
}

func parkingHammer(t *testing.T, others int) {
	served := make(chan struct{}, 1)
	e := newParkingEdge(t, 20*time.Microsecond, func(ctx *fasthttp.RequestCtx) {
		c := ctx.Conn().(*server.Conn)
		target := string(c.Head().Origin)
		select {
		case served <- struct{}{}:
		default:
		}
		_ = c.Send([]byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(target), target)))
	})
	e.use(limits(nil), here)
	at := e.Addresses()[here]
	for range others {
		_ = e.dial(here)
	}
	var clients sync.WaitGroup
	failed := make(chan error, 64)
	for i := range cap(failed) {
		clients.Go(func() { failed <- hammer(at, i) })
	}
	stop := make(chan struct{})
	reloads := make(chan struct{})
	go func() {
		defer close(reloads)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-served: // who never waits leaves nobody else a single processor
				e.use(limits(func(l *config.Limits) { l.HeaderBytes = config.Size(8<<10 + i%2) }), here)
				e.Parked()
			}
		}
	}()
	clients.Wait()
	close(stop)
	<-reloads
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	e.parks(int64(others))
}

// hammer is one client of TestParkingHammer.
func hammer(at net.Addr, id int) error {
	random := rand.New(rand.NewPCG(1, uint64(id)))
	for asked := 0; asked < 300; {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			return err
		}
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		for range random.IntN(40) {
			var requests, want strings.Builder
			for range 1 + random.IntN(3) {
				asked++
				target := fmt.Sprintf("/%d/%d", id, asked)
				requests.WriteString("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
				fmt.Fprintf(&want, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(target), target)
			}
			all := requests.String()
			cut := random.IntN(len(all)) // in two writes
			if _, err := io.WriteString(c, all[:cut]); err != nil {
				return err
			}
			for range random.IntN(50) {
				runtime.Gosched()
			}
			if _, err := io.WriteString(c, all[cut:]); err != nil {
				return err
			}
			got := make([]byte, want.Len())
			if _, err := io.ReadFull(c, got); err != nil || string(got) != want.String() {
				return fmt.Errorf("client %d: %q, %v; want %q", id, got, err, want.String())
			}
		}
		_ = c.Close()
	}
	return nil
}

// TestSilentConnectionsAreParkedAtOnce has clients connect that ask nothing: none
// gets a goroutine or a buffer, however long others may wait with theirs.
func TestSilentConnectionsAreParkedAtOnce(t *testing.T) {
	e := newParkingEdge(t, time.Hour, nil)
	e.use(limits(nil), here)
	busy := e.dial(here).send(ask)
	busy.ok()
	var silent []*peer
	for range 40 { // more than one look is skipped for
		silent = append(silent, e.dial(here))
	}
	within(t, "the silent ones are parked", func() bool { return e.Parked() == 40 })
	for _, p := range silent {
		p.send(ask)
		p.ok()
	}
	if parked := e.Parked(); parked != 0 {
		t.Errorf("%d are parked that have asked", parked)
	}
	busy.send(ask)
	busy.ok()
	leaving := e.dial(here)
	within(t, "it is parked", func() bool { return e.Parked() == 1 })
	_ = leaving.Close()
	within(t, "it is closed", func() bool { return e.Open() == 41 })
}
