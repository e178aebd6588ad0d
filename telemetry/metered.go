//go:build !unmetered

package telemetry

// metered is false in the build that bench/ compares with alone, to tell what
// counting costs a request: nothing is counted per request there.
const metered = true
