//go:build race

package wire

// raceEnabled tells that the race detector is on; it allocates.
const raceEnabled = true
