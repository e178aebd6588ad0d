package upstream

import "time"

// Answered has the target's health learn of an attempt that was begun now and
// answered.
func (t *Target) Answered() { t.health.answered(time.Now()) }
