package server

import (
	"fmt"
	"time"
)

// tellRoomEvery is how often at most it is told that there is no room.
const tellRoomEvery = time.Minute

// room is how many connections may be open before accepting waits for one of
// them to close. It is guarded by Server.mu.
type room struct {
	max  int64 // 0: no bound
	held uint64
	told time.Time
}

// SetRoom sets how many client connections may be open at once before further
// ones are left to wait in the kernel's queues; 0 sets no bound. What is open
// stays open. It is meant to keep descriptors for all else, where
// limits.connections, over which clients are answered 503, is what the operator
// wants. Each listener may go over it by one.
func (s *Server) SetRoom(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room.max = n
	s.freed.Broadcast()
}

// Room returns what SetRoom has set, and how often accepting was held back by it.
func (s *Server) Room() (n int64, held uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room.max, s.room.held
}

// full reports whether accepting has to wait. It needs the lock.
func (s *Server) full() bool { return s.room.max > 0 && s.open >= s.room.max }

// noRoom is full for those without the lock.
func (s *Server) noRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full()
}

// awaitRoom waits until there is room for a connection, or the gate is shut.
func (g *gate) awaitRoom() {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.full() || g.shut.Load() {
		return
	}
	s.room.held++
	if now := time.Now(); now.Sub(s.room.told) >= tellRoomEvery {
		s.room.told = now
		open := s.open
		s.mu.Unlock()
		s.trouble("new clients wait until connections are closed: no more can be open and descriptors left for all else",
			fmt.Errorf("%d client connections are open", open))
		s.mu.Lock()
	}
	for s.full() && !g.shut.Load() {
		s.freed.Wait()
	}
}

// wakeHeld has gates that wait for room look whether they were shut.
func (s *Server) wakeHeld() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freed.Broadcast()
}
