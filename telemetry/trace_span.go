package telemetry

import (
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// Attributes that the conventions have no name for.
const (
	routeKey    = attribute.Key("sluice.route")
	upstreamKey = attribute.Key("sluice.upstream")
	targetKey   = attribute.Key("sluice.target")
	reasonKey   = attribute.Key("sluice.reason")
	reusedKey   = attribute.Key("sluice.connection.reused")
)

// spanSource makes spans of records, by OpenTelemetry's conventions for HTTP. It is
// for one goroutine.
type spanSource struct {
	resource *resourcepb.Resource
	scope    *commonpb.InstrumentationScope
}

func newSpanSource(def *config.Tracing, version string) spanSource {
	a := &attributes{}
	a.text(semconv.ServiceNameKey, def.ServiceName)
	a.text(semconv.ServiceVersionKey, version)
	a.number(semconv.ProcessPIDKey, int64(os.Getpid()))
	if name, err := os.Hostname(); err == nil {
		a.text(semconv.HostNameKey, strings.ToValidUTF8(name, "\uFFFD"))
	}
	return spanSource{
		resource: &resourcepb.Resource{Attributes: a.list},
		scope:    &commonpb.InstrumentationScope{Name: "github.com/sluiceproxy/sluice", Version: version},
	}
}

// message puts spans into what a receiver is sent. It is what OTLP's
// ExportTraceServiceRequest is on the wire, whose generated package brings all of
// gRPC with it.
func (s *spanSource) message(spans []*tracepb.Span) *tracepb.TracesData {
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:  s.resource,
		SchemaUrl: semconv.SchemaURL,
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: s.scope, SchemaUrl: semconv.SchemaURL, Spans: spans,
		}},
	}}}
}

// spans returns how many spans a record makes.
func (r *tracedRecord) spans() int { return 1 + len(r.attempts) }

// get returns a text as what a span may hold, which is UTF-8.
func (r *tracedRecord) get(p piece) string {
	return strings.ToValidUTF8(string(r.text[p.from:p.to]), "\uFFFD")
}

// appendSpans appends the spans of a record: one of the request, and in it one of
// each attempt.
func (s *spanSource) appendSpans(dst []*tracepb.Span, r *tracedRecord) []*tracepb.Span {
	method, original := methodOf(r.get(r.method))
	dst = append(dst, s.server(r, method, original))
	for i := range r.attempts {
		dst = append(dst, s.client(r, i, method, original))
	}
	return dst
}

// methodOf returns what the conventions call a method, and what it was if that is
// not the same.
func methodOf(m string) (method, original string) {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY":
		return m, ""
	}
	return "_OTHER", m
}

// spanName is the name of a span: the method and what it was of.
func spanName(method, of string) string {
	if method == "_OTHER" {
		method = "HTTP"
	}
	if of == "" {
		return method
	}
	return method + " " + of
}

// begin makes what all spans of a record have.
func (r *tracedRecord) begin(id, parent [8]byte, from, to time.Time) *tracepb.Span {
	zero := r.start.UnixNano() // all else by the clock that is never set
	trace := r.facts.Trace.ID  // the record is used again
	span := &tracepb.Span{
		TraceId: trace[:], SpanId: id[:],
		TraceState:        r.get(r.state),
		Flags:             uint32(r.facts.Trace.Flags) | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK),
		StartTimeUnixNano: uint64(zero + int64(from.Sub(r.start))),
		EndTimeUnixNano:   uint64(zero + int64(max(to.Sub(r.start), from.Sub(r.start)))),
	}
	if parent != [8]byte{} {
		span.ParentSpanId = parent[:]
	}
	return span
}

// server makes the span of the request.
func (s *spanSource) server(r *tracedRecord, method, original string) *tracepb.Span {
	f := &r.facts
	span := r.begin(f.Trace.Span, r.parent, r.start, r.start.Add(f.Duration))
	span.Kind = tracepb.Span_SPAN_KIND_SERVER
	span.Name = spanName(method, r.pattern)
	if span.ParentSpanId != nil {
		span.Flags |= uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
	}
	a := &attributes{}
	a.text(semconv.HTTPRequestMethodKey, method)
	a.text(semconv.HTTPRequestMethodOriginalKey, original)
	a.text(semconv.URLSchemeKey, r.proto)
	a.text(semconv.URLPathKey, r.get(r.path))
	a.text(semconv.URLQueryKey, strings.TrimPrefix(r.get(r.query), "?"))
	a.text(semconv.HTTPRouteKey, r.pattern)
	a.address(r.get(r.host))
	a.text(semconv.NetworkProtocolVersionKey, "1."+strconv.Itoa(r.minor))
	a.text(semconv.NetworkPeerAddressKey, r.get(r.peer))
	a.text(semconv.ClientAddressKey, r.get(r.client))
	a.text(semconv.UserAgentOriginalKey, r.get(r.agent))
	a.number(semconv.HTTPRequestBodySizeKey, f.BytesIn)
	a.number(semconv.HTTPResponseBodySizeKey, f.BytesOut)
	a.text(routeKey, f.Route)
	a.text(upstreamKey, f.Upstream)
	a.text(reasonKey, f.Reason.String())
	a.status(f.Status)
	if f.Status >= 500 || f.Status == 0 || cutShort(f.Reason) {
		span.Status = a.failed(f.Reason, f.Status)
	}
	span.Attributes = a.list
	return span
}

// cutShort reports whether the response ended early, and not by the client.
func cutShort(reason exchange.Reason) bool {
	return reason == exchange.ResponseTruncated || reason == exchange.UpstreamIdle || reason == exchange.RequestTimeout
}

// client makes the span of the i-th attempt.
func (s *spanSource) client(r *tracedRecord, i int, method, original string) *tracepb.Span {
	at := &r.attempts[i]
	span := r.begin(at.Span, r.facts.Trace.Span, at.Start, at.End)
	span.Kind = tracepb.Span_SPAN_KIND_CLIENT
	span.Name = spanName(method, "")
	a := &attributes{}
	a.text(semconv.HTTPRequestMethodKey, method)
	a.text(semconv.HTTPRequestMethodOriginalKey, original)
	host := at.Target
	if path, unix := strings.CutPrefix(at.Target, "unix:"); unix {
		a.text(semconv.ServerAddressKey, path)
		host = "localhost"
	} else {
		a.address(at.Target)
	}
	a.text(semconv.URLFullKey, "http://"+host+r.get(r.sent))
	a.text(semconv.NetworkProtocolVersionKey, "1.1")
	if at.Peer.IsValid() {
		a.text(semconv.NetworkPeerAddressKey, at.Peer.Addr().Unmap().String())
		a.number(semconv.NetworkPeerPortKey, int64(at.Peer.Port()))
	}
	if i > 0 {
		a.number(semconv.HTTPRequestResendCountKey, int64(i))
	}
	a.text(upstreamKey, r.facts.Upstream)
	a.text(targetKey, at.Target)
	if at.Reused {
		a.yes(reusedKey)
	}
	a.text(reasonKey, at.Reason.String())
	a.status(at.Status)
	if at.Status >= 400 || at.Status == 0 || at.Reason != exchange.OK {
		span.Status = a.failed(at.Reason, at.Status)
	}
	span.Attributes = a.list
	return span
}

// attributes are those of one span. What is empty is left out.
type attributes struct{ list []*commonpb.KeyValue }

func (a *attributes) text(key attribute.Key, value string) {
	if value != "" {
		a.add(key, &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}})
	}
}

func (a *attributes) number(key attribute.Key, value int64) {
	a.add(key, &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: value}})
}

func (a *attributes) yes(key attribute.Key) {
	a.add(key, &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: true}})
}

func (a *attributes) add(key attribute.Key, value *commonpb.AnyValue) {
	a.list = append(a.list, &commonpb.KeyValue{Key: string(key), Value: value})
}

// address adds an address with or without a port.
func (a *attributes) address(hostPort string) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		a.text(semconv.ServerAddressKey, strings.Trim(hostPort, "[]"))
		return
	}
	a.text(semconv.ServerAddressKey, host)
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		a.number(semconv.ServerPortKey, int64(n))
	}
}

func (a *attributes) status(status int) {
	if status != 0 {
		a.number(semconv.HTTPResponseStatusCodeKey, int64(status))
	}
}

// failed adds why a span failed, and returns its status.
func (a *attributes) failed(reason exchange.Reason, status int) *tracepb.Status {
	switch {
	case reason != exchange.OK:
		a.text(semconv.ErrorTypeKey, reason.String())
	case status != 0:
		a.text(semconv.ErrorTypeKey, strconv.Itoa(status))
	default:
		a.text(semconv.ErrorTypeKey, "_OTHER")
	}
	return &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR}
}
