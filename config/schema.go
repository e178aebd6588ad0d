package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Schema returns a JSON schema of the config file, for editors: draft 7, which
// VS Code knows best. The same catalog gives the same bytes. It says what the
// struct tags say; that names refer to something is for [Parse] to check.
func Schema(catalog Catalog) []byte {
	s := schema{catalog: catalog, plans: make(plans), definitions: make(object)}
	root := s.structure(s.plans.of(reflect.TypeFor[Config]()), "The configuration of the Sluice edge proxy.")
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "Sluice configuration"
	root["definitions"] = s.definitions
	// These two are VS Code's own words.
	root["allowComments"] = true
	root["allowTrailingCommas"] = true
	return encode(root)
}

// object is a JSON object; keys are written in their order.
type object = map[string]any

type schema struct {
	catalog     Catalog
	plans       plans
	definitions object // by name, for structs
}

// encode writes v indented and without the escapes for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("config: cannot write the schema: %v", err))
	}
	return b.Bytes()
}

// structure is the schema of an object with the fields of p and no others.
func (s *schema) structure(p *plan, doc string) object {
	properties, required := object{}, []string{}
	for i := range p.fields {
		f := &p.fields[i]
		properties[f.key] = s.field(f)
		if f.required {
			required = append(required, f.key)
		}
	}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if doc != "" {
		out["description"] = doc
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// field is the schema of one field: its type and what its tags add.
func (s *schema) field(f *field) object {
	if f.unsupported != "" {
		return object{"description": f.doc + " (" + f.unsupported + ".)", "not": object{}, "errorMessage": f.unsupported, "doNotSuggest": true}
	}
	out := s.value(f.typ)
	if ref, ok := out["$ref"]; ok {
		// Draft 7 ignores what stands beside $ref.
		out = object{"allOf": []object{{"$ref": ref}}}
	}
	out["description"] = f.doc
	if allowed := f.values(s.catalog); allowed != nil {
		out["enum"] = allowed
	}
	if f.fallback != nil {
		var v any
		if err := json.Unmarshal(f.fallback.t.src, &v); err != nil {
			panic(fmt.Sprintf("config: default of %s: %v", f.key, err))
		}
		out["default"] = v
	}
	return out
}

// value is the schema of a type.
func (s *schema) value(t reflect.Type) object {
	switch t {
	case durationType:
		return object{"type": "string", "pattern": `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`}
	case sizeType:
		return object{"anyOf": []object{
			{"type": "integer", "minimum": 0},
			{"type": "string", "pattern": `^[0-9]+(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)?$`},
		}}
	case prefixType:
		return object{"type": "string", "pattern": `^[0-9A-Fa-f:.]+(/[0-9]+)?$`}
	case middlewareType:
		return s.middleware()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.value(t.Elem())
	case reflect.Struct:
		return s.reference(t)
	case reflect.Slice:
		return object{"type": "array", "items": s.value(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.value(t.Elem())}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	}
	panic(fmt.Sprintf("config: fields of type %s have no schema", t))
}

// reference defines a struct's schema once and returns a reference to it.
// Options of middlewares come from other packages; the package's name keeps
// theirs apart from ours.
func (s *schema) reference(t reflect.Type) object {
	name := t.Name()
	if t.PkgPath() != durationType.PkgPath() {
		name = t.String()
	}
	if _, done := s.definitions[name]; !done {
		s.definitions[name] = nil // a type may contain itself
		s.definitions[name] = s.structure(s.plans.of(t), "")
	}
	return object{"$ref": "#/definitions/" + name}
}

// middleware is the schema of a middleware: its type decides its options.
func (s *schema) middleware() object {
	types := slices.Sorted(maps.Keys(s.catalog.Middlewares))
	branches := make([]object, 0, len(types))
	for _, typ := range types {
		name := "middleware." + typ
		s.definitions[name] = s.structure(s.typePlan(typ), "")
		branches = append(branches, object{
			"if":   object{"properties": object{"type": object{"const": typ}}, "required": []string{"type"}},
			"then": object{"$ref": "#/definitions/" + name},
		})
	}
	typ := s.plans.of(middlewareType).fields[0]
	return object{
		"type": "object", "required": []string{typ.key}, "allOf": branches,
		"properties": object{typ.key: object{"type": "string", "description": typ.doc, "enum": types}},
	}
}

// typePlan is the plan of a middleware's type.
func (s *schema) typePlan(typ string) *plan {
	return middlewarePlan(s.catalog.newOptions(typ).Type().Elem())
}
