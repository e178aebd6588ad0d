package telemetry

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluiceproxy/sluice/exchange"
)

// Kind is the Prometheus type of a metric.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Definition says what a metric is called and means. Definitions are constants.
type Definition struct {
	Name   string
	Kind   Kind
	Help   string
	Labels []string

	desc *prometheus.Desc
	// most is how many series there can be at once of one thing: of a route, an
	// upstream, a target, a sink or the process, whichever Labels begins with.
	most int
}

func define(kind Kind, name, help string, labels ...string) *Definition {
	return &Definition{
		Name: name, Kind: kind, Help: help, Labels: labels,
		desc: prometheus.NewDesc(name, help, labels, nil), most: 1,
	}
}

// upTo says how many series there can be of one thing.
func (d *Definition) upTo(n int) *Definition {
	d.most = n
	return d
}

// Numbers of values that a label has.
var (
	allReasons     = len(exchange.Reasons())
	refusalReasons = 5
	healthStates   = 4
)

// metric returns a value of d, a counter or gauge. A wrong number of labels, or
// one that is not UTF-8, makes it a value that fails alone and tells why.
func (d *Definition) metric(value float64, labels ...string) prometheus.Metric {
	kind := prometheus.GaugeValue
	if d.Kind == Counter {
		kind = prometheus.CounterValue
	}
	m, err := prometheus.NewConstMetric(d.desc, kind, value, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(d.desc, err)
	}
	return m
}

// Requests as the client sees them. The route is empty where none matched.
var (
	Requests = define(Counter, "sluice_requests_total",
		"Requests ended, by route and class of the status sent: 1xx to 5xx, or none.", "route", "class").upTo(len(classNames))
	RequestSeconds = define(Histogram, "sluice_request_duration_seconds",
		"From a request's head to the last byte of its response. Tunnels are left out.", "route")
	RequestBytes = define(Counter, "sluice_request_body_bytes_total",
		"Body bytes read from clients.", "route")
	ResponseBytes = define(Counter, "sluice_response_body_bytes_total",
		"Body bytes written to clients.", "route")
	Failures = define(Counter, "sluice_failures_total",
		"Requests that did not go as asked, by reason.", "route", "reason").upTo(allReasons)
	InFlight = define(Gauge, "sluice_in_flight_requests",
		"Requests under way, tunnels included.")
	Tunnels = define(Gauge, "sluice_tunnels",
		"Requests under way that have become tunnels, such as WebSockets.")
	ClientConnections = define(Gauge, "sluice_client_connections",
		"Open client connections.")
	ClientParked = define(Gauge, "sluice_client_connections_parked",
		"Open client connections that have been quiet for a while and wait with next to no memory.")
	ClientRoom = define(Gauge, "sluice_client_connections_max",
		"Open client connections at which further clients wait to be accepted, so that descriptors are left for all else; 0 without a bound.")
	AcceptHeld = define(Counter, "sluice_accept_held_total",
		"Times accepting waited for a client connection to be closed.")
)

// Upstreams and their targets.
var (
	UpstreamRequests = define(Counter, "sluice_upstream_requests_total",
		"Requests that were to go to the upstream.", "upstream")
	UpstreamHeader = define(Histogram, "sluice_upstream_header_seconds",
		"From a request's head to the end of the target's response head.", "upstream")
	UpstreamRetries = define(Counter, "sluice_upstream_retries_total",
		"Attempts beyond a request's first.", "upstream")
	UpstreamSuppressed = define(Counter, "sluice_upstream_retries_suppressed_total",
		"Retries that were not made because the budget was used up.", "upstream")
	UpstreamRefused = define(Counter, "sluice_upstream_refused_total",
		"Requests answered 503 because no target could be picked or there was no room, by reason: no_target, concurrency_full, concurrency_timeout, queue_full or queue_timeout.", "upstream", "reason").upTo(refusalReasons)
	UpstreamInFlight = define(Gauge, "sluice_upstream_in_flight",
		"Requests that have a place in an upstream with a limit (concurrency).", "upstream")
	UpstreamWaiting = define(Gauge, "sluice_upstream_waiting",
		"Requests that wait for a place in an upstream with a limit.", "upstream")
	UpstreamLimit = define(Gauge, "sluice_upstream_limit",
		"Most requests in flight in an upstream with a limit; an adaptive one changes.", "upstream")
	TargetRequests = define(Counter, "sluice_target_requests_total",
		"Attempts ended, by result: ok, or the reason it failed.", "upstream", "target", "result").upTo(1 + allReasons)
	TargetConnects = define(Counter, "sluice_target_connects_total",
		"Connections dialled, by result: ok or failed.", "upstream", "target", "result").upTo(2)
	TargetReuses = define(Counter, "sluice_target_reuses_total",
		"Attempts on a connection that was open already.", "upstream", "target")
	TargetStale = define(Counter, "sluice_target_stale_connections_total",
		"Pooled connections found closed by the target.", "upstream", "target")
	TargetConnections = define(Gauge, "sluice_target_connections",
		"Open connections to the target, by state: active or idle.", "upstream", "target", "state").upTo(2)
	TargetInFlight = define(Gauge, "sluice_target_in_flight",
		"Requests under way at the target.", "upstream", "target")
	TargetLatency = define(Gauge, "sluice_target_latency_seconds",
		"Moving average of the time to the target's response head that ewma goes by. It follows peaks at once, and fades while there are no requests, until it is not there.", "upstream", "target")
	TargetUsable = define(Gauge, "sluice_target_usable",
		"1 while requests may go to the target, else 0.", "upstream", "target")
	TargetDrained = define(Gauge, "sluice_target_drained",
		"1 while an operator has drained the target, else 0.", "upstream", "target")
	TargetState = define(Gauge, "sluice_target_state",
		"1 for the state the target's health is in, 0 for the others: up, slow_start, ejected or down.", "upstream", "target", "state").upTo(healthStates)
	TargetChanges = define(Counter, "sluice_target_state_changes_total",
		"Changes of the target's health, by the state it came to.", "upstream", "target", "state").upTo(healthStates)
	UpstreamFailingOpen = define(Gauge, "sluice_upstream_failing_open",
		"1 while no target of the upstream is fit to be used, so that requests go to all of them, else 0.", "upstream")
)

// The process and its config.
var (
	Reloads = define(Counter, "sluice_reloads_total",
		"Loads of the config, by result: applied, unchanged, refused, or reverted where one was taken back.", "result").upTo(int(reloadResults))
	ReloadOK = define(Gauge, "sluice_reload_last_ok",
		"1 if the last load was neither refused nor taken back: the config in force is the file's.")
	ReloadTime = define(Gauge, "sluice_reload_last_success_timestamp_seconds",
		"When the config in force was last found to be the file's, in Unix time.")
	Generation = define(Gauge, "sluice_config_generation",
		"Number of the generation in force, counted from the start of the process.")
	AccessLines = define(Counter, "sluice_access_log_lines_total",
		"Access log lines written, by sink; to NSQ those confirmed, over a network without confirmation those sent.", "sink")
	AccessDropped = define(Counter, "sluice_access_log_dropped_total",
		"Access log lines lost, by sink and cause: behind (the buffer was full) or failed (writing did).", "sink", "cause").upTo(2)
	AccessTrouble = define(Gauge, "sluice_access_log_trouble",
		"1 while a sink of the access log fails or loses lines, else 0.", "sink")
	AccessFiltered = define(Counter, "sluice_access_log_filtered_total",
		"Records that a filter of the access log has ended, samples included.")
	TraceSpans = define(Counter, "sluice_trace_spans_total",
		"Spans that the receiver of traces has taken.")
	TraceDropped = define(Counter, "sluice_trace_spans_dropped_total",
		"Spans lost, by cause: behind (too many waited), failed (sending did) or rejected (the receiver did not want them).", "cause").upTo(3)
	TraceTrouble = define(Gauge, "sluice_trace_trouble",
		"1 while the receiver of traces fails or spans are lost, else 0.")
	LogDropped = define(Counter, "sluice_log_dropped_total",
		"Lines of the events log lost, because they could not be written or nobody took them.")
	BuildInfo = define(Gauge, "sluice_build_info",
		"Always 1; the labels tell the build.", "version", "go")
)

var definitions = []*Definition{
	Requests, RequestSeconds, RequestBytes, ResponseBytes, Failures, InFlight, Tunnels,
	ClientConnections, ClientParked, ClientRoom, AcceptHeld,
	UpstreamRequests, UpstreamHeader, UpstreamRetries, UpstreamSuppressed,
	UpstreamRefused, UpstreamInFlight, UpstreamWaiting, UpstreamLimit,
	TargetRequests, TargetConnects, TargetReuses, TargetStale, TargetConnections, TargetInFlight, TargetLatency, TargetUsable, TargetDrained,
	TargetState, TargetChanges, UpstreamFailingOpen,
	Reloads, ReloadOK, ReloadTime, Generation,
	AccessLines, AccessDropped, AccessTrouble, AccessFiltered, TraceSpans, TraceDropped, TraceTrouble, LogDropped, BuildInfo,
}

// Definitions returns every metric of Sluice's own, for docs and tests.
func Definitions() []*Definition { return slices.Clone(definitions) }
