package server

import "testing"

// TestTidyEndsGoroutinesThatWait: where memory is returned, their stacks are a part of it.
func TestTidyEndsGoroutinesThatWait(t *testing.T) {
	var s Server
	hands := []hand{make(hand, 1), make(hand, 1)}
	s.crew.idle = append(s.crew.idle, hands...)
	s.lot.count = fewestToTidy - 1
	s.tidy()
	if n := len(s.crew.idle); n != 2 {
		t.Fatalf("with few that are parked %d wait, want 2", n)
	}
	s.lot.count++
	s.tidy()
	for _, h := range hands {
		select {
		case c := <-h:
			if c != nil {
				t.Error("given a connection")
			}
		default:
			t.Error("waits on")
		}
	}
	if n := len(s.crew.idle); n != 0 {
		t.Errorf("%d are to be given connections", n)
	}
}
