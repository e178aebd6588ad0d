package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// decoder fills structs from a document by their tags. It goes on after a
// problem, so that all are found.
type decoder struct {
	report  *report
	catalog Catalog
	plans   plans
	options map[string]*plan // of middlewares, by type
	types   []string         // of middlewares, sorted
	path    path             // of the value being read
	strings lists
}

// Who walks into a value calls enter or enterAt before and leave after.
func (d *decoder) enter(key string) { d.path = append(d.path, step{key, -1}) }
func (d *decoder) enterAt(i int)    { d.path = append(d.path, step{"", i}) }
func (d *decoder) leave()           { d.path = d.path[:len(d.path)-1] }

// fault notes that the value being read, at that offset, cannot be.
func (d *decoder) fault(at int, format string, args ...any) {
	d.report.unreadable(at, d.path, finding{text: fmt.Sprintf(format, args...)})
}

// value reads v into a field, an element or the whole config.
func (d *decoder) value(v value, into reflect.Value) {
	if v.kind() == 'n' {
		d.fault(v.start(), "null is not a value; leave it out")
		return
	}
	if isText(into.Type()) || into.Type() == middlewareType {
		d.ownType(v, into)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.object(v, into)
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(v, into.Elem())
	case reflect.Slice:
		d.list(v, into)
	case reflect.Map:
		d.dictionary(v, into)
	default:
		d.scalar(v, into)
	}
}

// ownType reads the types that have a form of their own.
func (d *decoder) ownType(v value, into reflect.Value) {
	switch into.Type() {
	case durationType:
		d.duration(v, into)
	case sizeType:
		d.size(v, into)
	case prefixType:
		d.prefix(v, into)
	case middlewareType:
		d.middleware(v, into)
	}
}

func (d *decoder) object(v value, into reflect.Value) {
	if v.kind() != '{' {
		d.mismatch(v, "an object")
		return
	}
	d.members(v, into, d.plans.of(into.Type()))
}

// members reads the members of the object v into a struct by its plan.
func (d *decoder) members(v value, into reflect.Value, p *plan) {
	var most [32]int
	places := most[:] // offset of each field's key, from 1
	if len(p.fields) > len(places) {
		places = make([]int, len(p.fields))
	}
	for key, m := range v.members() {
		n, known := p.find(key)
		switch {
		case !known:
			text := key.text()
			d.enter(text)
			d.unknownKey(key, text, p)
		case places[n] != 0:
			d.enter(p.fields[n].key)
			d.duplicate(key, p.fields[n].key, places[n]-1)
		default:
			d.enter(p.fields[n].key)
			places[n] = key.start() + 1
			d.member(key, m, into, &p.fields[n])
		}
		d.leave()
	}
	for i := range p.fields {
		if f := &p.fields[i]; places[i] == 0 && f.index >= 0 {
			d.enter(f.key)
			d.absent(v, into.Field(f.index), f)
			d.leave()
		}
	}
}

// member reads one member into the field of into that f describes.
func (d *decoder) member(key, v value, into reflect.Value, f *field) {
	if f.unsupported != "" {
		d.fault(key.start(), "%s; remove it", f.unsupported)
		return
	}
	if f.index < 0 {
		return
	}
	target := into.Field(f.index)
	d.value(v, target)
	if allowed := f.values(d.catalog); allowed != nil && v.kind() == '"' && !slices.Contains(allowed, target.String()) {
		d.report.unreadable(v.start(), d.path, finding{
			text: fmt.Sprintf("%q is not one of its values", shorten(target.String())), unknown: true, wanted: target.String(), have: allowed,
		})
	}
}

// unknownKey notes a key that is no field. If it is a misspelled one, that field
// is not missing but misspelled.
func (d *decoder) unknownKey(at value, key string, p *plan) {
	d.report.unreadable(at.start(), d.path, finding{text: "unknown key", unknown: true, wanted: key, have: p.keys})
	if meant := nearest(key, p.keys); meant != "" {
		d.report.distrust(d.path[:len(d.path)-1].key(meant))
	}
}

func (d *decoder) duplicate(at value, key string, first int) {
	line, column := d.report.doc.lineColumn(first)
	d.fault(at.start(), "duplicate key %q; the first stands at %d:%d", shorten(key), line, column)
}

// absent fills the field that f describes, which object v leaves out.
func (d *decoder) absent(v value, into reflect.Value, f *field) {
	switch {
	case f.required:
		if d.report.trusted(d.path) {
			d.fault(v.start(), "missing; this key is required")
		}
	case f.fallback != nil:
		d.fallback(into, f)
	case into.Kind() == reflect.Struct && !isText(into.Type()):
		d.defaults(into)
	}
}

// defaults fills a struct that is left out with the defaults of its fields.
func (d *decoder) defaults(into reflect.Value) {
	p := d.plans.of(into.Type())
	for i := range p.fields {
		f := &p.fields[i]
		target := into.Field(f.index)
		switch {
		case f.fallback != nil:
			d.fallback(target, f)
		case target.Kind() == reflect.Struct && !isText(target.Type()):
			d.defaults(target)
		}
	}
}

// fallback reads a default. One that cannot be read is a mistake of the program.
func (d *decoder) fallback(into reflect.Value, f *field) {
	before := len(d.report.found)
	d.value(*f.fallback, into)
	if len(d.report.found) > before {
		panic(fmt.Sprintf("config: default of %s: %s", d.path, d.report.found[before].text))
	}
}

// list reads a list. An empty one is the same as none.
func (d *decoder) list(v value, into reflect.Value) {
	if v.kind() != '[' {
		d.mismatch(v, "a list")
		return
	}
	n := v.count()
	if n == 0 {
		into.SetZero()
		return
	}
	if list, ok := into.Addr().Interface().(*[]string); ok {
		*list = d.strings.cut(n)
	} else {
		into.Set(reflect.MakeSlice(into.Type(), n, n))
	}
	for i, element := range v.elements() {
		d.enterAt(i)
		d.value(element, into.Index(i))
		d.leave()
	}
}

// lists has short lists of strings side by side; see texts.
type lists struct{ free []string }

// cut returns a list of n empty strings.
func (l *lists) cut(n int) []string {
	const block = 256
	if n > block/8 {
		return make([]string, n)
	}
	if len(l.free) < n {
		l.free = make([]string, block)
	}
	list := l.free[:n:n]
	l.free = l.free[n:]
	return list
}

// dictionary reads an object whose keys are names of the user's. Each key is
// kept, even if its value cannot be read: others may refer to it.
func (d *decoder) dictionary(v value, into reflect.Value) {
	if v.kind() != '{' {
		d.mismatch(v, "an object")
		return
	}
	if v.count() == 0 {
		into.SetZero()
		return
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), v.count()))
	places := make(map[string]int, v.count())
	for at, m := range v.members() {
		key := at.text()
		d.enter(key)
		if first, taken := places[key]; taken {
			d.duplicate(at, key, first)
		} else {
			places[key] = at.start()
			element := reflect.New(into.Type().Elem()).Elem()
			d.value(m, element)
			into.SetMapIndex(reflect.ValueOf(key), element)
		}
		d.leave()
	}
}

// middleware reads an object whose other keys are the options of its type.
func (d *decoder) middleware(v value, into reflect.Value) {
	if v.kind() != '{' {
		d.mismatch(v, "an object")
		return
	}
	var typ string
	found, known := false, false
	d.enter("type")
	for key, m := range v.members() {
		if key.is("type") {
			found, known = true, d.middlewareType(m, &typ)
			break
		}
	}
	if !found {
		d.fault(v.start(), "missing; this key is required")
	}
	d.leave()
	if !known {
		return
	}
	options := d.catalog.newOptions(typ)
	before := len(d.report.found)
	d.members(v, options.Elem(), d.optionsPlan(typ, options.Type().Elem()))
	into.Set(reflect.ValueOf(Middleware{Type: typ, Options: options.Interface()}))
	if checker, ok := options.Interface().(interface{ Check() []OptionProblem }); ok && len(d.report.found) == before {
		for _, p := range checker.Check() {
			d.report.add(slices.Clone(d.path).follow(p.Key), "%s", p.Message)
		}
	}
}

// middlewareType reads the type of a middleware and reports whether it is known.
func (d *decoder) middlewareType(v value, typ *string) bool {
	if v.kind() != '"' {
		d.mismatch(v, "a string")
		return false
	}
	*typ = v.text()
	if d.catalog.Middlewares[*typ] != nil {
		return true
	}
	if d.types == nil {
		d.types = slices.Sorted(maps.Keys(d.catalog.Middlewares))
	}
	d.report.unreadable(v.start(), d.path, finding{
		text: fmt.Sprintf("unknown middleware type %q", shorten(*typ)), unknown: true, wanted: *typ, have: d.types,
	})
	return false
}

func (d *decoder) optionsPlan(typ string, t reflect.Type) *plan {
	if p, ok := d.options[typ]; ok {
		return p
	}
	p := middlewarePlan(t)
	if d.options == nil {
		d.options = make(map[string]*plan)
	}
	d.options[typ] = p
	return p
}
