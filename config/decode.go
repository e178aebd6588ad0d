package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/tailscale/hujson"
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
func (d *decoder) value(v *hujson.Value, into reflect.Value) {
	if v.Value.Kind() == 'n' {
		d.fault(v.StartOffset, "null is not a value; leave it out")
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
func (d *decoder) ownType(v *hujson.Value, into reflect.Value) {
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

func (d *decoder) object(v *hujson.Value, into reflect.Value) {
	obj, ok := v.Value.(*hujson.Object)
	if !ok {
		d.mismatch(v, "an object")
		return
	}
	d.members(v, obj, into, d.plans.of(into.Type()))
}

// members reads the members of obj, which is v, into a struct by its plan.
func (d *decoder) members(v *hujson.Value, obj *hujson.Object, into reflect.Value, p *plan) {
	places := make([]int, len(p.fields)) // offset of each field's key, from 1
	for i := range obj.Members {
		m := &obj.Members[i]
		key := unquote(m.Name.Value)
		d.enter(key)
		n, known := p.byKey[key]
		switch {
		case !known:
			d.unknownKey(m, key, p)
		case places[n] != 0:
			d.duplicate(m, key, places[n]-1)
		default:
			places[n] = m.Name.StartOffset + 1
			d.member(m, into, &p.fields[n])
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
func (d *decoder) member(m *hujson.ObjectMember, into reflect.Value, f *field) {
	if f.unsupported != "" {
		d.fault(m.Name.StartOffset, "%s; remove it", f.unsupported)
		return
	}
	if f.index < 0 {
		return
	}
	target := into.Field(f.index)
	d.value(&m.Value, target)
	if allowed := f.values(d.catalog); allowed != nil && m.Value.Value.Kind() == '"' && !slices.Contains(allowed, target.String()) {
		d.report.unreadable(m.Value.StartOffset, d.path, finding{
			text: fmt.Sprintf("%q is not one of its values", shorten(target.String())), unknown: true, wanted: target.String(), have: allowed,
		})
	}
}

// unknownKey notes a key that is no field. If it is a misspelled one, that field
// is not missing but misspelled.
func (d *decoder) unknownKey(m *hujson.ObjectMember, key string, p *plan) {
	d.report.unreadable(m.Name.StartOffset, d.path, finding{text: "unknown key", unknown: true, wanted: key, have: p.keys})
	if meant := nearest(key, p.keys); meant != "" {
		d.report.distrust(d.path[:len(d.path)-1].key(meant))
	}
}

func (d *decoder) duplicate(m *hujson.ObjectMember, key string, first int) {
	line, column := d.report.doc.lineColumn(first)
	d.fault(m.Name.StartOffset, "duplicate key %q; the first stands at %d:%d", shorten(key), line, column)
}

// absent fills the field that f describes, which object v leaves out.
func (d *decoder) absent(v *hujson.Value, into reflect.Value, f *field) {
	switch {
	case f.required:
		if d.report.trusted(d.path) {
			d.fault(v.StartOffset, "missing; this key is required")
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
	d.value(f.fallback, into)
	if len(d.report.found) > before {
		panic(fmt.Sprintf("config: default of %s: %s", d.path, d.report.found[before].text))
	}
}

// list reads a list. An empty one is the same as none.
func (d *decoder) list(v *hujson.Value, into reflect.Value) {
	array, ok := v.Value.(*hujson.Array)
	if !ok {
		d.mismatch(v, "a list")
		return
	}
	if len(array.Elements) == 0 {
		into.SetZero()
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(array.Elements), len(array.Elements)))
	for i := range array.Elements {
		d.enterAt(i)
		d.value(&array.Elements[i], into.Index(i))
		d.leave()
	}
}

// dictionary reads an object whose keys are names of the user's. Each key is
// kept, even if its value cannot be read: others may refer to it.
func (d *decoder) dictionary(v *hujson.Value, into reflect.Value) {
	obj, ok := v.Value.(*hujson.Object)
	if !ok {
		d.mismatch(v, "an object")
		return
	}
	if len(obj.Members) == 0 {
		into.SetZero()
		return
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(obj.Members)))
	places := make(map[string]int, len(obj.Members))
	for i := range obj.Members {
		m := &obj.Members[i]
		key := unquote(m.Name.Value)
		d.enter(key)
		if first, taken := places[key]; taken {
			d.duplicate(m, key, first)
		} else {
			places[key] = m.Name.StartOffset
			element := reflect.New(into.Type().Elem()).Elem()
			d.value(&m.Value, element)
			into.SetMapIndex(reflect.ValueOf(key), element)
		}
		d.leave()
	}
}

// middleware reads an object whose other keys are the options of its type.
func (d *decoder) middleware(v *hujson.Value, into reflect.Value) {
	obj, ok := v.Value.(*hujson.Object)
	if !ok {
		d.mismatch(v, "an object")
		return
	}
	i := slices.IndexFunc(obj.Members, func(m hujson.ObjectMember) bool { return unquote(m.Name.Value) == "type" })
	d.enter("type")
	if i < 0 {
		d.fault(v.StartOffset, "missing; this key is required")
	}
	var typ string
	known := i >= 0 && d.middlewareType(&obj.Members[i].Value, &typ)
	d.leave()
	if !known {
		return
	}
	options := d.catalog.newOptions(typ)
	before := len(d.report.found)
	d.members(v, obj, options.Elem(), d.optionsPlan(typ, options.Type().Elem()))
	into.Set(reflect.ValueOf(Middleware{Type: typ, Options: options.Interface()}))
	if checker, ok := options.Interface().(interface{ Check() []OptionProblem }); ok && len(d.report.found) == before {
		for _, p := range checker.Check() {
			d.report.add(slices.Clone(d.path).follow(p.Key), "%s", p.Message)
		}
	}
}

// middlewareType reads the type of a middleware and reports whether it is known.
func (d *decoder) middlewareType(v *hujson.Value, typ *string) bool {
	if v.Value.Kind() != '"' {
		d.mismatch(v, "a string")
		return false
	}
	*typ = unquote(v.Value)
	if d.catalog.Middlewares[*typ] != nil {
		return true
	}
	if d.types == nil {
		d.types = slices.Sorted(maps.Keys(d.catalog.Middlewares))
	}
	d.report.unreadable(v.StartOffset, d.path, finding{
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
