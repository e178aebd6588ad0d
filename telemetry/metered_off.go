//go:build unmetered

package telemetry

const metered = false
