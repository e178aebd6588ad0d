//go:build race

package lb

// raceEnabled says that the race detector runs, which allocates.
const raceEnabled = true
