package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// Difference is one setting to which two versions of a config give different
// values. The values are JSON in one line, with defaults filled in; one that is
// empty says that the setting is left out.
type Difference struct {
	Path string `json:"path"` // from what was compared on, as timeouts.idle
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// Differences compares two values of a struct that a config holds, or of
// [Config] itself, setting by setting. Lists of texts and numbers are one setting
// each; lists of objects are compared by index.
func Differences[T any](a, b T) []Difference {
	d := differ{plans: make(plans)}
	d.compare(nil, reflect.ValueOf(a), reflect.ValueOf(b))
	return d.found
}

type differ struct {
	plans plans
	found []Difference
}

// compare notes what differs at p. A value that is not there is the zero
// reflect.Value.
func (d *differ) compare(p path, a, b reflect.Value) {
	a, b = present(a), present(b)
	if !a.IsValid() || !b.IsValid() {
		d.note(p, a, b)
		return
	}
	switch t := a.Type(); {
	case t == middlewareType:
		d.middleware(p, a.Interface().(Middleware), b.Interface().(Middleware))
	case isText(t):
		d.note(p, a, b)
	case t.Kind() == reflect.Struct:
		d.fields(p, d.plans.of(t), a, b)
	case t.Kind() == reflect.Map:
		d.entries(p, a, b)
	case t.Kind() == reflect.Slice && objects(t):
		for i := range max(a.Len(), b.Len()) {
			d.compare(p.at(i), element(a, i), element(b, i))
		}
	default:
		d.note(p, a, b)
	}
}

func (d *differ) fields(p path, plan *plan, a, b reflect.Value) {
	for i := range plan.fields {
		f := &plan.fields[i]
		if f.index < 0 || f.unsupported != "" {
			continue
		}
		before := len(d.found)
		d.compare(p.key(f.key), stated(a.Field(f.index), f), stated(b.Field(f.index), f))
		if f.secret {
			hideValues(d.found[before:])
		}
	}
}

// middleware compares options only of the same type: others have other keys.
func (d *differ) middleware(p path, a, b Middleware) {
	d.note(p.key("type"), reflect.ValueOf(a.Type), reflect.ValueOf(b.Type))
	if a.Type != b.Type {
		return
	}
	va, vb := reflect.ValueOf(a.Options).Elem(), reflect.ValueOf(b.Options).Elem()
	d.fields(p, middlewarePlan(va.Type()), va, vb)
}

func (d *differ) entries(p path, a, b reflect.Value) {
	keys := map[string]reflect.Value{}
	for _, m := range []reflect.Value{a, b} {
		for _, key := range m.MapKeys() {
			keys[key.String()] = key
		}
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		d.compare(p.key(name), a.MapIndex(keys[name]), b.MapIndex(keys[name]))
	}
}

// note records p if its values differ.
func (d *differ) note(p path, a, b reflect.Value) {
	if d.text(a, false) != d.text(b, false) {
		d.found = append(d.found, Difference{Path: p.String(), Old: d.text(a, true), New: d.text(b, true)})
	}
}

// hideValues leaves it at that there is a difference.
func hideValues(found []Difference) {
	hidden := strconv.Quote(Hidden)
	for i := range found {
		if found[i].Old != "" {
			found[i].Old = hidden
		}
		if found[i].New != "" {
			found[i].New = hidden
		}
	}
}

// text returns a value in one line; hide hides the secrets in it.
func (d *differ) text(v reflect.Value, hide bool) string {
	if !v.IsValid() {
		return ""
	}
	w := writer{plans: d.plans, hide: hide}
	w.value(v)
	var line bytes.Buffer
	if err := json.Compact(&line, w.Bytes()); err != nil {
		panic(fmt.Sprintf("config: cannot write %s: %v", w.Bytes(), err))
	}
	return line.String()
}

// present follows a pointer; what is nil is not there, nor what has no element.
func present(v reflect.Value) reflect.Value {
	switch {
	case !v.IsValid():
		return v
	case v.Kind() == reflect.Pointer:
		return v.Elem()
	case v.Kind() == reflect.Slice && v.Len() == 0:
		return reflect.Value{}
	}
	return v
}

// stated returns the value of a field, or none if it is empty and that is what
// leaving it out means.
func stated(v reflect.Value, f *field) reflect.Value {
	if f.fallback == nil && v.Kind() == reflect.String && v.Len() == 0 {
		return reflect.Value{}
	}
	return v
}

func objects(list reflect.Type) bool {
	e := list.Elem()
	return e.Kind() == reflect.Struct && !isText(e)
}

func element(list reflect.Value, i int) reflect.Value {
	if i >= list.Len() {
		return reflect.Value{}
	}
	return list.Index(i)
}
