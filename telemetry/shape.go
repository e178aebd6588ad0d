package telemetry

import (
	"slices"
	"strconv"
	"strings"

	"maps"

	"github.com/sluiceproxy/sluice/config"
)

// shape is what records look like behind a stage: which columns they have, and
// what in them is not to be seen.
type shape struct {
	columns []column
	secrets []column // sources whose values are hidden; only source and arg count
	hide    []string // names of the parameters among them
	changed bool
}

// firstShape has all columns of a record.
func firstShape() *shape {
	s := &shape{}
	for i, name := range config.AccessFields() {
		s.columns = append(s.columns, column{name: name, source: source(i), limit: limits[source(i)]})
	}
	return s
}

// weigh gives the shape the column of a sample.
func (s *shape) weigh() {
	if s.find(config.AccessWeight) == nil {
		s.changed = true
		s.columns = append(s.columns[:len(s.columns):len(s.columns)], column{name: config.AccessWeight, source: fromWeight})
	}
}

// apply changes the shape as a map stage says. What was made of it before stays.
func (s *shape) apply(m *config.AccessMap) {
	s.changed, s.columns = true, slices.Clone(s.columns)
	if len(m.Keep) > 0 {
		kept := make([]column, 0, len(m.Keep))
		for _, name := range m.Keep {
			if c := s.find(name); c != nil {
				kept = append(kept, *c)
			}
		}
		s.columns = kept
	}
	s.columns = slices.DeleteFunc(s.columns, func(c column) bool { return slices.Contains(m.Drop, c.name) })
	for _, name := range slices.Sorted(maps.Keys(m.Set)) {
		c := s.sourced(m.Set[name])
		c.name = name
		s.columns = append(s.columns, c)
	}
	for _, name := range m.Redact {
		if c := s.find(name); c != nil {
			c.redacted = true
			continue
		}
		secret := parseSource(name)
		s.secrets = append(s.secrets, secret)
		if secret.source == fromQuery {
			s.hide = append(s.hide[:len(s.hide):len(s.hide)], secret.arg)
		}
	}
	for i := range s.columns {
		s.protect(&s.columns[i])
	}
}

// find returns the column of a name, or nil.
func (s *shape) find(name string) *column {
	i := slices.IndexFunc(s.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return &s.columns[i]
}

// sourced returns a column for a source such as header:NAME.
func (s *shape) sourced(text string) column {
	c := parseSource(text)
	c.limit = limits[c.source]
	s.protect(&c)
	return c
}

var sourceKinds = map[string]source{
	"header": fromHeader, "response": fromResponse, "cookie": fromCookie, "query": fromQuery, "text": fromText,
}

func parseSource(text string) column {
	kind, arg, _ := strings.Cut(text, ":")
	return column{source: sourceKinds[kind], arg: arg}
}

// protect makes a column hide what is secret in this shape.
func (s *shape) protect(c *column) {
	if c.isURL() {
		c.hide = s.hide
	}
	for i := range s.secrets {
		c.redacted = c.redacted || s.secrets[i].covers(c)
	}
}

// covers reports whether c shows what secret is. The whole field of a cookie's is
// hidden with it.
func (secret *column) covers(c *column) bool {
	if secret.source == fromCookie {
		return c.source == fromCookie && c.arg == secret.arg ||
			c.source == fromHeader && strings.EqualFold(c.arg, "Cookie") ||
			c.source == fromResponse && strings.EqualFold(c.arg, "Set-Cookie")
	}
	fold := secret.source != fromText
	return c.source == secret.source && (c.arg == secret.arg || fold && strings.EqualFold(c.arg, secret.arg))
}

// format is how a line is written: as JSON, or as literals and columns by turns.
type format struct {
	json  bool
	parts []part
	// quick does the same for a shape that no stage has changed; nil if there is
	// no such function.
	quick func(dst []byte, r *record) []byte
}

// part is a literal and the column behind it. The last of a template may have no
// column.
type part struct {
	literal string
	column  *column
}

// Templates of the formats with a name.
const (
	commonTemplate   = `{client} - - [{time_clf}] "{request}" {status} {bytes_out}`
	combinedTemplate = commonTemplate + ` "{header:Referer}" "{header:User-Agent}"`
)

// format compiles a format for records of this shape. The text was checked.
func (s *shape) format(text string) format {
	var f format
	switch text {
	case config.FormatJSON:
		f = s.jsonFormat()
		f.quick = appendLine
	case config.FormatCommon:
		f = s.template(commonTemplate)
		f.quick = appendCommon
	case config.FormatCombined:
		f = s.template(combinedTemplate)
		f.quick = appendCombined
	default:
		f = s.template(text)
	}
	if s.changed {
		f.quick = nil
	}
	f.bound()
	return f
}

func (s *shape) jsonFormat() format {
	f := format{json: true}
	for _, c := range s.columns {
		f.parts = append(f.parts, part{literal: `,` + strconv.Quote(c.name) + `:`, column: &c})
	}
	return f
}

func (s *shape) template(text string) format {
	var f format
	literal := ""
	parts, _ := config.ParseTemplate(text)
	for _, p := range parts {
		if p.Field == "" {
			literal = p.Text
			continue
		}
		f.parts = append(f.parts, part{literal: literal, column: s.templateColumn(p.Field)})
		literal = ""
	}
	return format{parts: append(f.parts, part{literal: literal + "\n"})}
}

// templateColumn returns the column that a template names; one that the stages
// have dropped has no value.
func (s *shape) templateColumn(name string) *column {
	switch {
	case name == "time_clf":
		return &column{source: fromTimeCLF}
	case name == "request":
		c := &column{source: fromRequest}
		if uri := s.find("uri"); uri != nil {
			same := *uri
			c.uri = &same
		}
		return c
	case strings.Contains(name, ":"):
		c := s.sourced(name)
		return &c
	}
	if c := s.find(name); c != nil {
		same := *c
		return &same
	}
	return &column{source: fromText}
}

// maxHead is more than a syslog sink puts in front of a line.
const maxHead = 512

// bound shortens texts until no line can be longer than a block.
func (f *format) bound() {
	for {
		worst := maxHead + len("{}\n")
		for _, p := range f.parts {
			worst += len(p.literal)
			if p.column != nil {
				worst += p.column.worst()
			}
		}
		if worst <= blockSize {
			return
		}
		for _, p := range f.parts {
			if p.column == nil {
				continue
			}
			p.column.limit /= 2
			if p.column.uri != nil {
				p.column.uri.limit /= 2
			}
		}
	}
}

// append appends the line of a record. It does not allocate if dst has room.
func (f *format) append(dst []byte, r *record) []byte {
	switch {
	case f.quick != nil:
		return append(f.quick(dst, r), '\n')
	case f.json:
		return f.appendJSON(dst, r)
	}
	for i := range f.parts {
		p := &f.parts[i]
		dst = append(dst, p.literal...)
		if p.column == nil {
			break
		}
		if with, ok := p.column.append(dst, r, asPlain); ok {
			dst = with
		} else {
			dst = append(dst, '-')
		}
	}
	return dst
}

func (f *format) appendJSON(dst []byte, r *record) []byte {
	start := len(dst)
	for i := range f.parts {
		p := &f.parts[i]
		before := len(dst)
		with, ok := p.column.append(append(dst, p.literal...), r, asJSON)
		if !ok {
			with = with[:before]
		}
		dst = with
	}
	if len(dst) == start {
		dst = append(dst, ',')
	}
	dst[start] = '{'
	return append(dst, "}\n"...)
}
