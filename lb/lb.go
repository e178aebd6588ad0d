// Package lb chooses which of several nodes a request goes to. It knows
// nothing of HTTP, configuration, health checks or time: what a choice depends
// on is kept in the nodes or comes in with the request.
//
// A [Node] holds what is learned of one target and lives as long as the target
// does. A [Picker] is one policy over a fixed list of members and is replaced
// whole when the list changes. Everything here may be used from any number of
// goroutines; no pick takes a lock or allocates.
package lb

import (
	"fmt"
	"math"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Picker chooses a node for a request.
type Picker interface {
	// Pick returns a node that is usable, below its limit and not in r.Tried,
	// or nil when there is none, backups included. A backup is returned only when no
	// other member can be. Pick does not call [Node.Start].
	Pick(r Request) *Node
}

// Member is a node's place in one picker.
type Member struct {
	Node   *Node
	Weight int  // relative to the other members; 0: never picked
	Backup bool // picked only when no other member can be
}

// Request is what one pick depends on. Fields that a policy does not read may
// be left zero.
type Request struct {
	Key   uint64 // consistent_hash: see [Key]
	Now   int64  // weighted, ewma: ns on the clock that [Node.Done] is given
	Tried *Tried // nodes not to be returned; nil: none
}

// Options tune a picker.
type Options struct {
	// BoundedLoad makes consistent_hash pass over a node whose requests in
	// flight would exceed this many times its fair part of all in flight.
	// 0: no bound; otherwise at least 1, 1.25 being usual.
	BoundedLoad float64
	// Seed makes choices repeatable. With 0, the cycle of weighted and
	// round_robin starts anywhere, so that many replicas of a proxy do not
	// call on the same node in step, and the other policies draw from the
	// runtime's random source. With another value the cycle starts at step
	// Seed-1 and draws follow from Seed. The ring of consistent_hash is the
	// same for every seed.
	Seed uint64
}

// policies is every policy there is; a new one is a file and a line here.
// A builder is given members of one tier with a weight above 0.
var policies = []struct {
	name  string
	build func([]Member, Options) Picker
}{
	{"weighted", newWeighted},
	{"round_robin", newRoundRobin},
	{"random", newRandom},
	{"least_request", newLeastRequest},
	{"ewma", newEWMA},
	{"consistent_hash", newConsistentHash},
}

// Policies returns the names that [New] knows.
func Policies() []string {
	names := make([]string, len(policies))
	for i, p := range policies {
		names[i] = p.name
	}
	return names
}

// New returns a picker over members, which it does not keep. No members, or
// none with a weight, is not an error: such a picker returns nil. Every node
// may stand in members once, and node ids must differ.
func New(policy string, members []Member, opts Options) (Picker, error) {
	if err := check(members, opts); err != nil {
		return nil, err
	}
	for _, p := range policies {
		if p.name == policy {
			primary, backup := tiers(members)
			if len(backup) == 0 {
				return p.build(primary, opts), nil
			}
			return &failover{p.build(primary, opts), p.build(backup, opts)}, nil
		}
	}
	return nil, fmt.Errorf("unknown policy %q; have %s", policy, strings.Join(Policies(), ", "))
}

func check(members []Member, opts Options) error {
	if c := opts.BoundedLoad; c != 0 && (!(c >= 1) || math.IsInf(c, 1)) {
		return fmt.Errorf("bounded load %v: must be 0 or at least 1", c)
	}
	seen := make(map[string]bool, len(members))
	for i, m := range members {
		switch {
		case m.Node == nil:
			return fmt.Errorf("member %d: no node", i)
		case m.Weight < 0 || m.Weight > math.MaxInt32:
			return fmt.Errorf("node %q: weight %d: must be from 0 to %d", m.Node.id, m.Weight, math.MaxInt32)
		case seen[m.Node.id]:
			return fmt.Errorf("node %q: more than one member has this id", m.Node.id)
		}
		seen[m.Node.id] = true
	}
	return nil
}

// tiers parts backups from the rest and leaves out what has no weight.
func tiers(members []Member) (primary, backup []Member) {
	for _, m := range members {
		switch {
		case m.Weight == 0:
		case m.Backup:
			backup = append(backup, m)
		default:
			primary = append(primary, m)
		}
	}
	return primary, backup
}

// failover asks its second picker when the first has nothing to give.
type failover struct {
	primary, backup Picker
}

func (f *failover) Pick(r Request) *Node {
	if n := f.primary.Pick(r); n != nil {
		return n
	}
	return f.backup.Pick(r)
}

// Key is the hash of b for [Request]. It is the same in every process.
func Key(b []byte) uint64 { return xxhash.Sum64(b) }

// KeyString is [Key] of a string.
func KeyString(s string) uint64 { return xxhash.Sum64String(s) }
