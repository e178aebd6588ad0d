package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// foe is the connection of one hostile client.
type foe struct {
	*net.TCPConn
	ctx context.Context
}

// patience is how long Sluice may take to get rid of a hostile client. Its
// timeouts are two to five seconds.
const patience = 20 * time.Second

// attack is one kind of hostile client. It returns an error only for what Sluice
// did wrong: whatever ends the connection is welcome.
type attack struct {
	name string
	do   func(f *foe) error
}

// Of each kind, foesOfAKind are at work at once, each of them pausing for a
// random part of twice foePause between two connections.
const (
	foesOfAKind = 4
	foePause    = 300 * time.Millisecond
)

// runHostile sends hostile clients until ctx ends, and waits until all are gone.
func runHostile(ctx context.Context, s *site, t *tally) {
	var foes sync.WaitGroup
	for _, a := range attacks {
		for range foesOfAKind {
			foes.Go(func() {
				for ctx.Err() == nil {
					pause(ctx, rand.N(2*foePause))
					t.done("hostile: "+a.name, assail(ctx, s.address, a))
				}
			})
		}
	}
	foes.Wait()
}

func assail(ctx context.Context, address string, a attack) error {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	return a.do(&foe{c.(*net.TCPConn), ctx})
}

// pause waits, and reports whether the soak goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// say sends text; that Sluice may have closed already is no fault.
func (f *foe) say(text string) bool {
	_, err := io.WriteString(f, text)
	return err == nil
}

// drip sends text byte by byte.
func (f *foe) drip(text string, every time.Duration) bool {
	for i := range len(text) {
		if !f.say(text[i:i+1]) || !pause(f.ctx, every) {
			return false
		}
	}
	return true
}

// ended waits for Sluice to end the connection and returns what it has sent.
func (f *foe) ended() (string, error) {
	var answer strings.Builder
	_, err := io.Copy(&answer, f)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return answer.String(), fmt.Errorf("not got rid of within %v; answered so far: %.200q", patience, answer.String())
	}
	return answer.String(), nil
}

// refused waits for the end and checks that nothing was answered but refusals
// with one of the given statuses, or nothing at all.
func (f *foe) refused(statuses ...string) error {
	answer, err := f.ended()
	if err != nil || answer == "" {
		return err
	}
	for _, s := range statuses {
		if strings.HasPrefix(answer, "HTTP/1.1 "+s+" ") && strings.Count(answer, "HTTP/1.1 ") == 1 {
			return nil
		}
	}
	return fmt.Errorf("answered %.200q", answer)
}

// abort ends the connection with a reset.
func (f *foe) abort() error {
	_ = f.SetLinger(0)
	return nil
}

// unread is a receive buffer that holds little of what is not read.
func (f *foe) unread() {
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
		})
	}
}
