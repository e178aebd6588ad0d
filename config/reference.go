package config

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// referenceText is docs/CONFIG.md with its prose, and with a line
//
//	@fields NAME    where the table of a struct's fields goes
//	@middlewares    where a section for each type of middleware goes
//
//go:embed reference.md
var referenceText string

// Reference returns docs/CONFIG.md: hand-written prose with tables of every
// field, made from the struct tags and the catalog. It panics if the prose does
// not have a place for each struct, policy and type of middleware.
func Reference(catalog Catalog) []byte {
	r := reference{catalog: catalog, plans: make(plans), structs: make(map[string]reflect.Type)}
	r.collect(reflect.TypeFor[Config]())
	for line := range strings.Lines(referenceText) {
		name, isFields := strings.CutPrefix(strings.TrimSpace(line), "@fields ")
		switch {
		case isFields:
			r.fields(name)
		case strings.TrimSpace(line) == "@middlewares":
			r.middlewares()
		default:
			r.WriteString(line)
		}
	}
	if len(r.structs) > 0 {
		panic(fmt.Sprintf("config: reference.md has no @fields for %s", list(slices.Sorted(maps.Keys(r.structs)))))
	}
	for _, name := range slices.AppendSeq(slices.Clone(catalog.Policies), maps.Keys(catalog.Middlewares)) {
		if !strings.Contains(referenceText, "| `"+name+"` |") {
			panic(fmt.Sprintf("config: reference.md has no row for %q", name))
		}
	}
	return r.Bytes()
}

type reference struct {
	bytes.Buffer
	catalog Catalog
	plans   plans
	structs map[string]reflect.Type // still to be documented, by name
}

// collect finds the structs that a file can fill; those of unsupported fields
// it cannot.
func (r *reference) collect(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || isText(t) || t == middlewareType || r.structs[t.Name()] != nil {
		return
	}
	r.structs[t.Name()] = t
	for _, f := range r.plans.of(t).fields {
		if f.unsupported == "" {
			r.collect(f.typ)
		}
	}
}

// fields writes the table of a struct.
func (r *reference) fields(name string) {
	t, ok := r.structs[name]
	if !ok {
		panic(fmt.Sprintf("config: reference.md has @fields %s, which is no struct of the config, or not the first", name))
	}
	delete(r.structs, name)
	r.table(r.plans.of(t))
}

func (r *reference) table(p *plan) {
	r.WriteString("| Key | Value | Default | Meaning |\n|---|---|---|---|\n")
	for i := range p.fields {
		f := &p.fields[i]
		value, fallback, meaning := valueText(f.typ), "", f.doc
		if allowed := f.values(r.catalog); allowed != nil {
			value = "`" + strings.Join(allowed, "`, `") + "`"
		}
		switch {
		case f.required:
			fallback = "required"
		case f.fallback != nil:
			fallback = "`" + f.fallbackText + "`"
		}
		if f.unsupported != "" {
			meaning += " **Refused in this version:** " + f.unsupported + "."
		}
		fmt.Fprintf(r, "| `%s` | %s | %s | %s |\n", f.key, cell(value), cell(fallback), cell(meaning))
	}
}

// cell keeps a text from ending its table cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// valueText says what a field of type t takes.
func valueText(t reflect.Type) string {
	switch t {
	case durationType:
		return "duration"
	case sizeType:
		return "size"
	case prefixType:
		return "network"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return valueText(t.Elem())
	case reflect.Struct:
		return "object"
	case reflect.Slice:
		return "list of " + plural(t.Elem())
	case reflect.Map:
		return "object: a name for each " + valueText(t.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "whole number"
	}
	return "number"
}

func plural(t reflect.Type) string {
	if t.Kind() == reflect.String {
		return "texts"
	}
	return valueText(t) + "s"
}

// middlewares writes a section for each type of middleware.
func (r *reference) middlewares() {
	for i, typ := range slices.Sorted(maps.Keys(r.catalog.Middlewares)) {
		if i > 0 {
			r.WriteByte('\n')
		}
		fmt.Fprintf(r, "### %s\n\n", typ)
		r.table(r.plans.of(r.catalog.newOptions(typ).Type().Elem()))
	}
}
