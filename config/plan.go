package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
)

var (
	durationType   = reflect.TypeFor[Duration]()
	sizeType       = reflect.TypeFor[Size]()
	prefixType     = reflect.TypeFor[netip.Prefix]()
	middlewareType = reflect.TypeFor[Middleware]()
)

// plan is what the tags of a struct say, read once for each use of the type.
type plan struct {
	fields []field
	byKey  map[string]int
	keys   []string
}

// plans keeps the plans of the types one walk has met.
type plans map[reflect.Type]*plan

func (p plans) of(t reflect.Type) *plan {
	known, ok := p[t]
	if !ok {
		known = planOf(t)
		p[t] = known
	}
	return known
}

// field is what the tags of one field say.
type field struct {
	key         string
	doc         string
	index       int // of the struct's field; -1 for a middleware's type
	typ         reflect.Type
	required    bool
	secret      bool
	enum        []string // values allowed, or one name that begins with @
	unsupported string

	fallback     *value // the default, as if it stood in the file; nil if there is none
	fallbackText string
}

// planOf reads the tags of struct type t. It panics where they make no sense.
func planOf(t reflect.Type) *plan {
	p := &plan{byKey: make(map[string]int)}
	for i := range t.NumField() {
		sf := t.Field(i)
		key := sf.Tag.Get("json")
		if key == "-" {
			continue
		}
		if key == "" || !sf.IsExported() {
			panic(fmt.Sprintf("config: %s.%s needs a json tag", t, sf.Name))
		}
		f := field{
			key: key, doc: sf.Tag.Get("doc"), index: i, typ: sf.Type,
			required: sf.Tag.Get("required") == "true", secret: sf.Tag.Get("secret") == "true", unsupported: sf.Tag.Get("unsupported"),
		}
		if enum := sf.Tag.Get("enum"); enum != "" {
			f.enum = strings.Split(enum, "|")
		}
		if text, ok := sf.Tag.Lookup("default"); ok {
			f.setFallback(text)
		}
		p.add(f)
	}
	return p
}

// middlewarePlan is the plan of a middleware's object: its type and the options
// of that type.
func middlewarePlan(options reflect.Type) *plan {
	p := &plan{byKey: make(map[string]int)}
	typ := planOf(middlewareType).fields[0]
	typ.index = -1
	p.add(typ)
	for _, f := range planOf(options).fields {
		p.add(f)
	}
	return p
}

func (p *plan) add(f field) {
	if _, taken := p.byKey[f.key]; taken {
		panic(fmt.Sprintf("config: two fields have the key %q", f.key))
	}
	p.byKey[f.key] = len(p.fields)
	p.fields = append(p.fields, f)
	p.keys = append(p.keys, f.key)
}

// find returns the number of the field that has a key.
func (p *plan) find(key value) (n int, ok bool) {
	if inner, plain := key.quote(); plain {
		n, ok = p.byKey[string(inner)]
		return n, ok
	}
	n, ok = p.byKey[key.text()]
	return n, ok
}

// setFallback takes a default as its tag has it: text and text-like values
// without quotes, all others as JSON.
func (f *field) setFallback(text string) {
	f.fallbackText = text
	if f.typ.Kind() == reflect.String || isText(f.typ) {
		quoted, err := json.Marshal(text)
		if err != nil {
			panic(fmt.Sprintf("config: default of %s: %v", f.key, err))
		}
		text = string(quoted)
	}
	t, ok := parseTree([]byte(text))
	if !ok {
		panic(fmt.Sprintf("config: default of %s: %s is no JSON", f.key, text))
	}
	v := t.root()
	f.fallback = &v
}

// isText reports whether values of t are written as text though they are not strings.
func isText(t reflect.Type) bool {
	return t == durationType || t == sizeType || t == prefixType
}

// values returns what f's enum tag allows; nil allows anything.
func (f *field) values(catalog Catalog) []string {
	if len(f.enum) == 1 && strings.HasPrefix(f.enum[0], "@") {
		if f.enum[0] != "@policies" {
			panic(fmt.Sprintf("config: %s: unknown enum %q", f.key, f.enum[0]))
		}
		return catalog.Policies
	}
	return f.enum
}

// newOptions returns a pointer to a zero options struct of a middleware type.
func (c Catalog) newOptions(typ string) reflect.Value {
	v := reflect.ValueOf(c.Middlewares[typ]())
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: options of middleware type %q are not a pointer to a struct", typ))
	}
	return v
}
