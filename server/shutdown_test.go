package server_test

import (
	"context"
	"strings"
	"testing"
)

// TestShutdownAnswersWhatComesJustThen: a client whose connection waits may be
// sending a request while the shutdown begins, and learns from the answer that
// the connection ends.
func TestShutdownAnswersWhatComesJustThen(t *testing.T) {
	answered := 0
	for range 20 {
		e := serve(t, nil, nil)
		kept, fresh := e.dial(here).send(ask), e.dial(here)
		kept.ok()
		within(t, "both connections are there", func() bool { return e.Open() == 2 })
		ended := make(chan error, 1)
		go func() { ended <- e.Shutdown(context.Background()) }()
		within(t, "the listener is closed", func() bool { return len(e.Addresses()) == 0 })
		for _, p := range []*peer{kept, fresh} {
			// On a machine that is busy beyond measure it may be too late.
			if _, err := p.Write([]byte(ask)); err == nil {
				if got, _ := p.br.ReadString('\n'); strings.HasPrefix(got, "HTTP/1.1 200 ") {
					answered++
				}
			}
			_ = p.Close()
		}
		if err := <-ended; err != nil {
			t.Fatalf("shutdown: %v", err)
		}
	}
	if answered < 20 {
		t.Errorf("%d of 40 requests were answered", answered)
	}
}

// TestShutdownServesWhatWaitsToBeAccepted: clients whose connections the system
// has established find out nothing of the shutdown but that theirs ends.
func TestShutdownServesWhatWaitsToBeAccepted(t *testing.T) {
	for range 10 {
		e := serve(t, nil, nil)
		at := e.Addresses()[here]
		var clients []*peer
		for range 100 {
			clients = append(clients, dial(t, at).send(ask))
		}
		ended := make(chan error, 1)
		go func() { ended <- e.Shutdown(context.Background()) }()
		for _, p := range clients {
			p.ok()
			_ = p.Close()
		}
		if err := <-ended; err != nil {
			t.Fatalf("shutdown: %v", err)
		}
		refusedDial(t, at)
	}
}
