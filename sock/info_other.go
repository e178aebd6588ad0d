//go:build !linux

package sock

import "time"

// HeardAgo returns how long ago the peer was last heard of; 0: it cannot be told.
func (s *Stream) HeardAgo() time.Duration { return 0 }

// Untouched reports whether the peer can have read none of the n bytes that were
// written last; here that is never known.
func (s *Stream) Untouched(int) bool { return false }
