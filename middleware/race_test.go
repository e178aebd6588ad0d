//go:build race

package middleware

// raceEnabled tells that the race detector is on; it allocates.
const raceEnabled = true
