package hotreload

import "time"

// Result says how a reload ended. It is empty when there was none.
type Result string

// The ways in which a reload ends.
const (
	Applied    Result = "applied"    // the content is in force
	Unchanged  Result = "unchanged"  // the content was in force already
	Refused    Result = "refused"    // Apply did not take the content
	Unreadable Result = "unreadable" // there was no content to be had
	Reverted   Result = "reverted"   // content from before is in force again; see [Watcher.Revert]
)

// Causes of a reload that this package names itself; a caller of
// [Watcher.Reload] names its own, "signal" and "request" by custom.
const (
	CauseStart = "start" // [Watcher.Seen]
	CauseFile  = "file"  // an event of the file system
	CausePoll  = "poll"  // the content changed without an event
)

// Outcome is how one reload ended.
type Outcome struct {
	At     time.Time     // when the file was read
	Cause  string        // why
	Result Result        // how it ended
	Err    error         // what Apply, the reading or Revert said; nil when applied or unchanged
	Took   time.Duration // reading and applying, without the wait for the writer to finish
	Sum    string        // first 12 hex digits of the content's SHA-256; empty when unreadable
}

// Status is what a watcher remembers.
type Status struct {
	InForce Outcome // of the content in force; its Result is empty when nothing is
	Last    Outcome // of the last reload, whatever its result

	// Reloads so far, by result.
	Applied, Refused, Unchanged, Unreadable, Reverted uint64
}

// count adds one reload to the counter of its result.
func (s *Status) count(r Result) {
	switch r {
	case Applied:
		s.Applied++
	case Refused:
		s.Refused++
	case Unchanged:
		s.Unchanged++
	case Unreadable:
		s.Unreadable++
	case Reverted:
		s.Reverted++
	}
}
