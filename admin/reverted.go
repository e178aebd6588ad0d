package admin

import (
	"time"

	"github.com/sluiceproxy/sluice/proxy"
)

// Guard is what the guard of reloads is at.
type Guard struct {
	// State is trial while the config in force may be taken back, reverted where
	// it came back in place of one that failed, and else good.
	State     string     `json:"state"`
	TrialEnds *time.Time `json:"trial_ends,omitempty"`
	Reverted  *Reverted  `json:"reverted,omitempty"`
}

// Reverted is a config that was taken back.
type Reverted struct {
	At     time.Time    `json:"at"`
	Sum    string       `json:"sum"` // of its content, shortened
	Why    string       `json:"why"`
	Routes []GuardRoute `json:"routes"` // the worst first
	// Changes is what it would change in what is in force.
	Changes *proxy.Changes `json:"changes"`
}

// GuardRoute is how the requests of a route fared after a reload.
type GuardRoute struct {
	Route    string `json:"route"`
	Requests uint64 `json:"requests"`
	Failed   uint64 `json:"failed"`
	// Share and ShareBefore are the shares of failed requests, from 0 to 1.
	Share       float64 `json:"share"`
	ShareBefore float64 `json:"share_before"`
}
