// Command conformance runs tables of raw-byte HTTP/1.1 cases through Sluice, and
// for comparison through nginx and HAProxy, over real sockets between a scripted
// client and a scripted origin. It measures what a proxy does with bytes, and not
// how fast it is.
//
//	go run ./conformance                       print the table
//	go run ./conformance -write docs/HTTP.md   write it as a document
//	go run ./conformance -only chunk -proxies sluice -failed
package main

import "slices"

// Case is one rule, shown by an exchange on raw bytes.
type Case struct {
	Name  string
	Ref   string // RFC section or advisory that the rule comes from
	Setup Setup
	// Todo says why Sluice does not hold the rule yet; the case runs all the
	// same and is shown as it is.
	Todo  string
	Steps []Step
}

// Group is a table of cases on one subject.
type Group struct {
	Title string
	Note  string // what the cases have in common, for the document
	Cases []Case
}

// Step does one thing as client or origin, or waits for one thing and checks it.
// An error says what the proxy did instead, in few words.
type Step func(*play) error

// Setup is how a proxy is configured for a case.
type Setup uint8

// The setups. Every contestant has all of them.
const (
	Plain      Setup = iota // every path goes to the origin
	Trusted                 // the client is a trusted proxy
	Small                   // bodies up to 1000 bytes
	Tight                   // half a second for a head, between parts of a body, for a client to read, and between requests
	Hurried                 // half a second for the origin's response, and between its parts
	Routed                  // /admin/* is answered 403, /v1/* loses its prefix, the rest goes to the origin
	Strict                  // Routed, and paths that can be read in two ways are refused
	Normalized              // Routed, and paths are forwarded as they were read
	setups
)

// groups returns all tables, in the order of the document.
func groups() []Group {
	return slices.Concat(requestGroups, targetGroups, transparencyGroups, forwardingGroups,
		responseGroups, connectionGroups, streamGroups, hostileGroups)
}
