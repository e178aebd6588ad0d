package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	maxTemplate      = 4 << 10 // bytes
	maxTemplateParts = 128
	maxAdded         = 32  // fields, by all map stages together
	maxAddedName     = 64  // bytes
	maxAddedText     = 256 // bytes
	maxOneIn         = 1_000_000
	minSinkBuffer    = 128 << 10
	maxSinkBuffer    = 1 << 30
	maxStages        = 32
)

// accessCheck follows the fields of a record through the stages: which there are
// depends on the stages before.
type accessCheck struct {
	*checker
	fields []string
	added  int
	unsure bool // a map could not be read: there may be other fields
}

func (k *checker) access() {
	a, p := &k.config.Log.Access, path{}.key("log").key("access")
	if a.Path == "" {
		k.add(p.key("path"), `the path is empty; write "off" for no access log`)
	}
	c := &accessCheck{checker: k, fields: AccessFields()}
	if len(a.Stages) > maxStages {
		k.add(p.key("stages"), "%d stages are too many; at most %d", len(a.Stages), maxStages)
	}
	for i := range a.Stages {
		c.stage(p.key("stages").at(i), &a.Stages[i])
	}
	c.format(p.key("format"), a.Format)
	before := len(c.found)
	for i := range a.Sinks {
		c.sink(p.key("sinks").at(i), &a.Sinks[i])
	}
	if len(c.found) > before {
		return // two that name no place are not the same place
	}
	taken := make(map[string]string)
	a.Each(func(place string, s AccessSink) {
		if first, ok := taken[s.Name()]; ok {
			k.add(path(nil).follow(place), "lines go there already: %s is the same place", first)
		}
		taken[s.Name()] = place
	})
}

func (c *accessCheck) stage(p path, s *AccessStage) {
	c.unsure = c.unsure || s.Filter == nil && !c.trusted(p)
	switch {
	case (s.Filter == nil) == (s.Map == nil):
		c.addAcross(p, []string{"filter", "map"}, "a stage is either a filter or a map")
	case s.Filter != nil:
		c.filter(p.key("filter"), s.Filter)
	default:
		c.mapping(p.key("map"), s.Map)
	}
}

func (c *accessCheck) filter(p path, f *AccessFilter) {
	n := 0
	for key, condition := range map[string]*AccessCondition{"keep": f.Keep, "drop": f.Drop} {
		if condition != nil {
			n++
			c.condition(p.key(key), condition)
		}
	}
	if f.Sample != nil {
		n++
		c.sample(p.key("sample"), f.Sample)
	}
	if n != 1 {
		c.addAcross(p, []string{"keep", "drop", "sample"}, "a filter has exactly one of keep, drop and sample")
	}
}

func (c *accessCheck) sample(p path, s *AccessSample) {
	if s.OneIn < 1 || s.OneIn > maxOneIn {
		c.add(p.key("one_in"), "%d is not between 1 (all) and %d", s.OneIn, maxOneIn)
	}
	if s.When != nil {
		c.condition(p.key("when"), s.When)
	}
	if !slices.Contains(c.fields, AccessWeight) {
		c.fields = append(c.fields[:len(c.fields):len(c.fields)], AccessWeight)
	}
}

func (c *accessCheck) condition(p path, a *AccessCondition) {
	if a.Status == "" && a.MinDuration == 0 && !a.Failed && len(a.Routes)+len(a.Hosts)+len(a.Methods)+len(a.Fields) == 0 {
		c.add(p, "the condition says nothing; every record would fit")
	}
	if _, err := a.Statuses(); err != nil {
		c.add(p.key("status"), "%v", err)
	}
	c.hosts(p, a.Hosts)
	for i, method := range a.Methods {
		// Others than a route takes: a refused TRACE is logged too.
		if !isToken(method) {
			c.add(p.key("methods").at(i), "%q is not a method", shorten(method))
		}
	}
	if names, readable := c.routeNames(); readable {
		for i, name := range a.Routes {
			if _, ok := slices.BinarySearch(names, name); !ok {
				c.addUnknown(p.key("routes").at(i), "route", name, names)
			}
		}
	}
	for name, value := range a.Fields {
		if !slices.Contains(c.fields, name) {
			c.unknownField(p.key("fields").key(name), name, c.fields)
		} else if err := checkPredicate(value); err != nil {
			c.add(p.key("fields").key(name), "%v", err)
		}
	}
}

// unknownField notes that p names a field that a record does not have there.
func (c *accessCheck) unknownField(p path, name string, have []string) {
	if c.unsure || !c.trusted(p) {
		return
	}
	text := fmt.Sprintf("no field %q", shorten(name))
	switch {
	case name == AccessWeight:
		text = `no field "weight"; a sample before this adds it`
	case slices.Contains(accessFields, name):
		text = fmt.Sprintf("the field %q was dropped before", name)
	}
	v, _ := c.doc.find(p)
	c.found = append(c.found, finding{at: v.start(), path: slices.Clone(p), text: text, unknown: true, wanted: name, have: have})
}

func (c *accessCheck) mapping(p path, m *AccessMap) {
	if len(m.Keep)+len(m.Drop)+len(m.Set)+len(m.Redact) == 0 {
		c.add(p, "the map changes nothing")
	}
	c.named(p.key("keep"), m.Keep)
	if len(m.Keep) > 0 {
		c.fields = slices.Clone(m.Keep)
	}
	c.named(p.key("drop"), m.Drop)
	c.fields = slices.DeleteFunc(slices.Clone(c.fields), func(name string) bool { return slices.Contains(m.Drop, name) })
	for _, name := range slices.Sorted(maps.Keys(m.Set)) {
		c.set(p.key("set").key(name), name, m.Set[name])
	}
	for i, name := range m.Redact {
		c.redact(p.key("redact").at(i), name)
	}
}

// named checks that a record has the fields.
func (c *accessCheck) named(p path, names []string) {
	for i, name := range names {
		if !slices.Contains(c.fields, name) {
			c.unknownField(p.at(i), name, c.fields)
		} else if slices.Contains(names[:i], name) {
			c.add(p.at(i), "%q stands twice", name)
		}
	}
}

func (c *accessCheck) set(p path, name, source string) {
	c.added++
	switch {
	case c.added > maxAdded:
		c.addKey(p, fmt.Sprintf("more than %d fields are added", maxAdded))
	case slices.Contains(c.fields, name):
		c.addKey(p, fmt.Sprintf("there is a field %q already; drop it first", name))
	case !isFieldName(name) || name == AccessWeight || slices.Contains(templateFields, name):
		c.addKey(p, fmt.Sprintf("%q is not a name such as user_agent: small letters, digits and _, at most %d", shorten(name), maxAddedName))
	}
	c.fields = append(c.fields[:len(c.fields):len(c.fields)], name)
	if text, ok := strings.CutPrefix(source, "text:"); ok {
		if len(text) > maxAddedText || hasControl(text) {
			c.add(p, "the text is longer than %d bytes or has a control character", maxAddedText)
		}
	} else if err := checkSource(source); err != nil {
		c.add(p, "%v", err)
	}
}

func isFieldName(name string) bool {
	bad := func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	return name != "" && len(name) <= maxAddedName && strings.IndexFunc(name, bad) < 0 && (name[0] < '0' || name[0] > '9')
}

// checkSource reports what is wrong with a value of the request or response, as
// header:NAME.
func checkSource(source string) error {
	kind, name, _ := strings.Cut(source, ":")
	switch kind {
	case "header", "response", "cookie":
		if !isToken(name) {
			return fmt.Errorf("%q: %q is not the name of a field or cookie", shorten(source), shorten(name))
		}
	case "query":
		if name == "" || hasControl(name) {
			return fmt.Errorf("%q: %q is not the name of a query parameter", shorten(source), shorten(name))
		}
	default:
		return fmt.Errorf("%q is not header:NAME, response:NAME, cookie:NAME, query:NAME or text:VALUE", shorten(source))
	}
	return nil
}

func (c *accessCheck) redact(p path, name string) {
	switch {
	case strings.Contains(name, ":"):
		if strings.HasPrefix(name, "text:") {
			c.add(p, "a text is what the file says; leave it out there")
		} else if err := checkSource(name); err != nil {
			c.add(p, "%v", err)
		}
	case !slices.Contains(c.fields, name):
		c.unknownField(p, name, c.fields)
	case slices.Contains(accessNumbers, name):
		c.add(p, "%q is no text; drop it instead", name)
	}
}

// format checks a format; a template may name the fields that the stages leave.
func (c *accessCheck) format(p path, format string) {
	switch format {
	case FormatJSON, FormatCommon, FormatCombined:
		return
	}
	parts, err := ParseTemplate(format)
	switch {
	case !strings.Contains(format, "{"):
		c.add(p, `%q is neither json, common, combined nor a template such as "{client} {status} {uri}"`, shorten(format))
		return
	case err != nil:
		c.add(p, "%v", err)
		return
	case len(format) > maxTemplate:
		c.add(p, "the template is %d bytes long; at most %d are allowed", len(format), maxTemplate)
		return
	case hasControl(strings.ReplaceAll(format, "\t", "")):
		c.add(p, "the template has a control character other than a tab; each record is one line")
		return
	}
	if len(parts) > maxTemplateParts {
		c.add(p, "the template has more than %d parts", maxTemplateParts)
		return
	}
	for _, part := range parts {
		c.templateField(p, part)
	}
}

func (c *accessCheck) templateField(p path, part TemplatePart) {
	switch name := part.Field; {
	case part.Text != "" || slices.Contains(c.fields, name) || slices.Contains(templateFields, name):
	case strings.Contains(name, ":"):
		if err := checkSource(name); err != nil {
			c.add(p, "%v", errors.New(strings.Replace(err.Error(), ", query:NAME or text:VALUE", " or query:NAME", 1)))
		}
	default:
		c.unknownField(p, name, slices.Concat(c.fields, templateFields))
	}
}
