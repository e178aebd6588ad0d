package upstream

import (
	"fmt"
	"time"
)

// tally is what a target's requests have come to, since ever or since a mark.
type tally struct {
	ended  uint64 // as lb.Node counts them
	failed uint64
}

// tally returns the target's counts. The caller holds m.mu.
func (r *record) tally() tally { return tally{r.node.Ended(), r.passive.failures} }

// sinceMark returns what came after the older mark that still counts.
func (r *record) sinceMark() tally {
	from := &r.passive.marks[r.m.from]
	return tally{r.node.EndedSince(from.ended), r.passive.failures - from.failed}
}

func (t tally) share() float64 { return float64(t.failed) / float64(max(t.ended, 1)) }

// mark notes the counts of all targets twice a window, and which mark is the oldest
// within it. It is called when a request has failed: as long as all goes well
// nothing is counted but what balancing counts anyway, and what went well before is
// not held against a failure. A failure that makes a mark is not counted after it.
func (m *monitor) mark(window time.Duration, now time.Time) {
	if now.Sub(m.marked[1]) >= window/2 {
		m.marked = [2]time.Time{m.marked[1], now}
		for _, r := range m.records {
			p := &r.passive
			p.marks = [2]tally{p.marks[1], r.tally()}
		}
	}
	m.from = 0
	if now.Sub(m.marked[0]) > window {
		m.from = 1
	}
}

// compare tells how much worse a target does than its siblings that are fit; empty
// if that is not enough to eject it. Failures that all have alike come from
// elsewhere.
func (m *monitor) compare(r *record) string {
	rules := r.passive.rules
	least, own := uint64(rules.RatioRequests), r.sinceMark()
	if rules.Ratio == 0 || own.ended < least || own.share() < rules.Ratio {
		return ""
	}
	var others tally
	for _, s := range m.records {
		if s != r && s.weighty && s.fit() {
			t := s.sinceMark()
			others.ended += t.ended
			others.failed += t.failed
		}
	}
	if others.ended < least || own.share()-others.share() < rules.Ratio {
		return ""
	}
	return fmt.Sprintf("%d of %d requests failed, of its siblings' %d of %d, the last", own.failed, own.ended, others.failed, others.ended)
}
