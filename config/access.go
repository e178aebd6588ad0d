package config

import (
	"fmt"
	"slices"
	"strings"
)

// AccessLog says what is logged of each request, and where to.
type AccessLog struct {
	Path   string        `json:"path" default:"off" doc:"stdout, stderr, off, or a file's path: the sink, where one is enough."`
	Format string        `json:"format" default:"json" doc:"json, common, combined, or a template with {field} in it."`
	Stages []AccessStage `json:"stages" doc:"What a record goes through before it is written, in this order."`
	Sinks  []AccessSink  `json:"sinks" doc:"Where lines go, besides path."`
}

// AccessStage is one stage of the pipeline: exactly one of its fields is there.
type AccessStage struct {
	Filter *AccessFilter `json:"filter" doc:"Decides which records go on."`
	Map    *AccessMap    `json:"map" doc:"Changes what records say."`
}

// AccessFilter decides which records go on: exactly one of its fields is there.
type AccessFilter struct {
	Keep   *AccessCondition `json:"keep" doc:"Only records that fit go on."`
	Drop   *AccessCondition `json:"drop" doc:"Records that fit end here."`
	Sample *AccessSample    `json:"sample" doc:"Some of the records go on, and say for how many they stand."`
}

// AccessCondition is what a record must be: all that is said must hold.
type AccessCondition struct {
	Status      string            `json:"status" doc:"Its status is one of these, as 200-299,404."`
	MinDuration Duration          `json:"min_duration" doc:"It took at least this long."`
	Failed      bool              `json:"failed" doc:"It has a reason: something went wrong."`
	Routes      []string          `json:"routes" doc:"One of these routes took it."`
	Hosts       []string          `json:"hosts" doc:"Its Host is one of these, as for a route; the port is not looked at."`
	Methods     []string          `json:"methods" doc:"Its method is one of these."`
	Fields      map[string]string `json:"fields" doc:"Fields that the record has at this stage: a value, * for any value, or ~ and a regular expression."`
}

// AccessSample thins out what is not worth a line each.
type AccessSample struct {
	OneIn int              `json:"one_in" required:"true" doc:"Of so many records, one goes on, drawn at random."`
	Slow  Duration         `json:"slow" default:"1s" doc:"Records that took at least this long all go on, as do those with a status of 500 and above or a reason."`
	When  *AccessCondition `json:"when" doc:"Only records that fit are thinned out; all others go on."`
}

// AccessMap changes what records say, in the order of its fields.
type AccessMap struct {
	Keep   []string          `json:"keep" doc:"Only these fields stay, in this order."`
	Drop   []string          `json:"drop" doc:"These fields go."`
	Set    map[string]string `json:"set" doc:"New fields at the end, by name: header:NAME, response:NAME, cookie:NAME, query:NAME, or text:VALUE."`
	Redact []string          `json:"redact" doc:"Fields, header:NAME, response:NAME, cookie:NAME or query:NAME whose values are not to be seen: REDACTED stands for them."`
}

// AccessSink is one place that lines go to.
type AccessSink struct {
	Type      string   `json:"type" required:"true" enum:"file|stdout|stderr|syslog|nsq" doc:"What it is."`
	Path      string   `json:"path" doc:"The file. For file."`
	Address   string   `json:"address" doc:"udp:host:port, tcp:host:port, or unix:/path such as unix:/dev/log. For syslog."`
	Facility  string   `json:"facility" enum:"user|daemon|local0|local1|local2|local3|local4|local5|local6|local7" doc:"local0 if left out. For syslog."`
	AppName   string   `json:"app_name" doc:"sluice if left out. For syslog."`
	Addresses []string `json:"addresses" doc:"host:port of each nsqd; the first that works is used. For nsq."`
	Topic     string   `json:"topic" doc:"The topic. For nsq."`
	Format    string   `json:"format" doc:"The format of this sink alone; left out, that of log.access."`
	Buffer    Size     `json:"buffer" default:"8MiB" doc:"Most bytes that wait for the sink; lines beyond them are lost and counted."`
}

// The types of sinks.
const (
	SinkFile   = "file"
	SinkStdout = "stdout"
	SinkStderr = "stderr"
	SinkSyslog = "syslog"
	SinkNSQ    = "nsq"
)

// Formats with a name. Any other is a template.
const (
	FormatJSON     = "json"
	FormatCommon   = "common"
	FormatCombined = "combined"
)

// Name tells the sink from all others of one config, in logs and metrics.
func (s *AccessSink) Name() string {
	switch s.Type {
	case SinkFile:
		return "file:" + s.Path
	case SinkSyslog:
		return "syslog:" + s.Address
	case SinkNSQ:
		return "nsq:" + strings.Join(s.Addresses, ",") + "/" + s.Topic
	}
	return s.Type
}

// defaultBuffer is that of the sink that path is short for.
const defaultBuffer = 8 << 20

// Each calls fn for every sink, that of path first, with the path of what
// defines it. Each sink has a format.
func (a *AccessLog) Each(fn func(place string, s AccessSink)) {
	switch a.Path {
	case "off":
	case SinkStdout, SinkStderr:
		fn("log.access.path", AccessSink{Type: a.Path, Format: a.Format, Buffer: defaultBuffer})
	default:
		fn("log.access.path", AccessSink{Type: SinkFile, Path: a.Path, Format: a.Format, Buffer: defaultBuffer})
	}
	for i, s := range a.Sinks {
		if s.Format == "" {
			s.Format = a.Format
		}
		fn(fmt.Sprintf("log.access.sinks[%d]", i), s)
	}
}

// Statuses returns what Status says, nil if it is left out.
func (c *AccessCondition) Statuses() ([]StatusRange, error) {
	if c.Status == "" {
		return nil, nil
	}
	return parseStatuses(c.Status, 100)
}

// accessFields are the fields of a record, in their order.
var accessFields = []string{
	"time", "client", "method", "host", "uri", "proto", "route", "upstream", "target", "attempts", "status", "reason",
	"bytes_in", "bytes_out", "duration_ms", "header_ms", "upgraded", "request_id", "trace_id",
}

// AccessWeight is the field that a sample adds.
const AccessWeight = "weight"

// AccessFields returns the names of the fields of a record before the first stage,
// in their order.
func AccessFields() []string { return slices.Clone(accessFields) }

// accessNumbers are the fields that are no text and so cannot be redacted.
var accessNumbers = []string{
	"time", "attempts", "status", "bytes_in", "bytes_out", "duration_ms", "header_ms", "upgraded", AccessWeight,
}

// templateFields are what a template may name besides fields and sources.
var templateFields = []string{"time_clf", "request"}

// TemplatePart is a text to be written as it is, or the name of a field, or a
// source such as header:NAME.
type TemplatePart struct{ Text, Field string }

// ParseTemplate splits a template into its parts. {{ and }} stand for braces.
func ParseTemplate(text string) ([]TemplatePart, error) {
	var out []TemplatePart
	literal := ""
	for text != "" {
		n := strings.IndexAny(text, "{}")
		if n < 0 {
			n = len(text)
		}
		literal, text = literal+text[:n], text[n:]
		switch {
		case text == "":
		case strings.HasPrefix(text, "{{") || strings.HasPrefix(text, "}}"):
			literal, text = literal+text[:1], text[2:]
		case text[0] == '}':
			return nil, fmt.Errorf("a } stands alone; write }} for a brace")
		default:
			name, rest, closed := strings.Cut(text[1:], "}")
			if !closed || strings.Contains(name, "{") {
				return nil, fmt.Errorf("the { before %q is not closed; write {{ for a brace", shorten(text[1:]))
			}
			if literal != "" {
				out = append(out, TemplatePart{Text: literal})
			}
			out = append(out, TemplatePart{Field: name})
			literal, text = "", rest
		}
	}
	if literal != "" {
		out = append(out, TemplatePart{Text: literal})
	}
	return out, nil
}
