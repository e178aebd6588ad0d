package exchange

// Reason says why an exchange did not go as asked. Its text is a label of logs
// and metrics and never changes.
type Reason uint8

// The reasons.
const (
	OK                 Reason = iota
	Malformed                 // the request broke the rules of HTTP
	NoRoute                   // no route matches
	MethodNotAllowed          // routes match but for the method
	AmbiguousPath             // two readings of the path choose different routes
	BodyTooLong               // over limits.body_bytes
	NoTarget                  // the upstream has no usable target
	ConcurrencyFull           // the upstream takes no further request, and too many wait
	ConcurrencyTimeout        // it had no room for the request in time
	QueueFull                 // too many requests wait for a connection
	QueueTimeout              // none became free in time
	ConnectFailed             // the target refused or cannot be reached or resolved
	ConnectTimeout            // no connection within timeouts.connect
	ResponseTimeout           // no response head within timeouts.response_header
	RequestTimeout            // not done within timeouts.request
	UpstreamClosed            // the target closed before a response head
	UpstreamMalformed         // the target broke the rules of HTTP
	UpstreamStatus            // the target answered with a status to be tried again for
	ResponseTruncated         // the response ended early
	UpstreamIdle              // the target paused longer than timeouts.idle
	ClientClosed              // the client went away
	ClientTimeout             // the client paused longer than its limits
	Panic                     // a bug of ours
	reasons
)

var reasonNames = [reasons]string{
	"", "malformed", "no_route", "method_not_allowed", "ambiguous_path", "body_too_long",
	"no_target", "concurrency_full", "concurrency_timeout", "queue_full", "queue_timeout", "connect_failed", "connect_timeout",
	"response_timeout", "request_timeout", "upstream_closed", "upstream_malformed", "upstream_status",
	"response_truncated", "upstream_idle", "client_closed", "client_timeout", "panic",
}

// String returns the label, empty for OK.
func (r Reason) String() string {
	if r >= reasons {
		return "unknown"
	}
	return reasonNames[r]
}

// Reasons returns all reasons but OK.
func Reasons() []Reason {
	all := make([]Reason, 0, reasons-1)
	for r := OK + 1; r < reasons; r++ {
		all = append(all, r)
	}
	return all
}
