package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Effective returns the config as a file, with every default filled in: JSON
// with the keys of the structs in their order, durations and sizes as text, map
// keys sorted. What is empty and has no default is left out. [Parse] of it
// gives an equal config.
func (c *Config) Effective() []byte {
	w := writer{plans: make(plans)}
	w.value(reflect.ValueOf(c).Elem())
	w.WriteByte('\n')
	return w.Bytes()
}

// Shown is Effective with [Hidden] in place of every secret.
func (c *Config) Shown() []byte {
	w := writer{plans: make(plans), hide: true}
	w.value(reflect.ValueOf(c).Elem())
	w.WriteByte('\n')
	return w.Bytes()
}

// Hidden stands where a secret is not shown.
const Hidden = "(hidden)"

// writer writes values as indented JSON.
type writer struct {
	bytes.Buffer
	plans plans
	depth int
	hide  bool // secrets
}

func (w *writer) value(v reflect.Value) {
	switch {
	case v.Type() == middlewareType:
		m := v.Interface().(Middleware)
		options := reflect.ValueOf(m.Options).Elem()
		w.object(w.members(options, middlewarePlan(options.Type()), m.Type))
		return
	case isText(v.Type()):
		w.text(fmt.Sprint(v.Interface()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		w.object(w.members(v, w.plans.of(v.Type()), ""))
	case reflect.Pointer:
		w.value(v.Elem())
	case reflect.Slice:
		w.list(v)
	case reflect.Map:
		w.object(mapMembers(v))
	case reflect.String:
		w.text(v.String())
	default:
		w.scalar(v.Interface())
	}
}

// pair is one member of an object.
type pair struct {
	key   string
	value reflect.Value
}

// members returns what a struct's file form has: all but what [Parse] would
// fill in the same if it were left out. typ is the type of a middleware.
func (w *writer) members(v reflect.Value, p *plan, typ string) []pair {
	var out []pair
	for _, f := range p.fields {
		if f.index < 0 {
			out = append(out, pair{f.key, reflect.ValueOf(typ)})
			continue
		}
		value := v.Field(f.index)
		if f.unsupported != "" || w.leftOut(value, &f) {
			continue
		}
		if f.secret && w.hide {
			value = reflect.ValueOf(Hidden)
		}
		out = append(out, pair{f.key, value})
	}
	return out
}

// leftOut reports whether a field says nothing: it is empty, and would be if it
// did not stand in the file.
func (w *writer) leftOut(v reflect.Value, f *field) bool {
	if v.Kind() == reflect.Struct && !isText(v.Type()) && !f.required {
		return len(w.members(v, w.plans.of(v.Type()), "")) == 0
	}
	return v.IsZero() && f.fallback == nil && !f.required
}

func mapMembers(v reflect.Value) []pair {
	out := make([]pair, 0, v.Len())
	for key, value := range v.Seq2() {
		out = append(out, pair{key.String(), value})
	}
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	return out
}

func (w *writer) object(members []pair) {
	if len(members) == 0 {
		w.WriteString("{}")
		return
	}
	w.WriteByte('{')
	w.depth++
	for i, m := range members {
		w.item(i)
		w.text(m.key)
		w.WriteString(": ")
		w.value(m.value)
	}
	w.depth--
	w.line()
	w.WriteByte('}')
}

func (w *writer) list(v reflect.Value) {
	if v.Len() == 0 {
		w.WriteString("[]")
		return
	}
	w.WriteByte('[')
	w.depth++
	for i := range v.Len() {
		w.item(i)
		w.value(v.Index(i))
	}
	w.depth--
	w.line()
	w.WriteByte(']')
}

// item begins the i-th member or element on a line of its own.
func (w *writer) item(i int) {
	if i > 0 {
		w.WriteByte(',')
	}
	w.line()
}

func (w *writer) line() {
	w.WriteByte('\n')
	for range w.depth {
		w.WriteString("  ")
	}
}

func (w *writer) text(s string) { w.scalar(s) }

// scalar writes a string, number or boolean, without the escapes for HTML.
func (w *writer) scalar(v any) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("config: cannot write %v: %v", v, err))
	}
	w.Truncate(w.Len() - 1) // Encode ends with a line break.
}
