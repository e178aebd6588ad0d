//go:build !race

package server_test

// raceEnabled tells that the race detector's own allocations would be counted.
const raceEnabled = false
