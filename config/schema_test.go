package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tailscale/hujson"

	"github.com/sluiceproxy/sluice/config"
)

// validator checks values by as much of JSON schema as Schema uses.
type validator struct{ definitions map[string]any }

// faults returns what is wrong with v by schema s, a line each.
func (d validator) faults(s map[string]any, v any, at string) (out []string) {
	wrong := func(format string, args ...any) { out = append(out, at+": "+fmt.Sprintf(format, args...)) }
	for word, arg := range s {
		switch word {
		case "$ref":
			name, _ := strings.CutPrefix(arg.(string), "#/definitions/")
			definition, ok := d.definitions[name].(map[string]any)
			if !ok {
				wrong("no definition %s", name)
			}
			out = append(out, d.faults(definition, v, at)...)
		case "allOf":
			for _, one := range arg.([]any) {
				out = append(out, d.faults(one.(map[string]any), v, at)...)
			}
		case "anyOf":
			fits := func(one any) bool { return len(d.faults(one.(map[string]any), v, at)) == 0 }
			if !slices.ContainsFunc(arg.([]any), fits) {
				wrong("none of %v", arg)
			}
		case "if":
			if len(d.faults(arg.(map[string]any), v, at)) == 0 {
				out = append(out, d.faults(s["then"].(map[string]any), v, at)...)
			}
		case "not":
			wrong("not allowed")
		case "const":
			if v != arg {
				wrong("not %v", arg)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				wrong("none of %v", arg)
			}
		case "pattern":
			if text, ok := v.(string); ok && !regexp.MustCompile(arg.(string)).MatchString(text) {
				wrong("%q does not match %s", text, arg)
			}
		case "type":
			if !isType(arg.(string), v) {
				wrong("%v is not of type %s", v, arg)
			}
		}
	}
	return append(out, d.within(s, v, at)...)
}

// within checks the members or elements of v.
func (d validator) within(s map[string]any, v any, at string) (out []string) {
	switch v := v.(type) {
	case []any:
		items, _ := s["items"].(map[string]any)
		for i, element := range v {
			out = append(out, d.faults(items, element, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for key, value := range v {
			if property, ok := properties[key]; ok {
				out = append(out, d.faults(property.(map[string]any), value, at+"."+key)...)
				continue
			}
			switch rest := s["additionalProperties"].(type) {
			case bool:
				out = append(out, at+": unknown key "+key)
			case map[string]any:
				out = append(out, d.faults(rest, value, at+"."+key)...)
			}
		}
		required, _ := s["required"].([]any)
		for _, key := range required {
			if _, ok := v[key.(string)]; !ok {
				out = append(out, fmt.Sprintf("%s: %s is missing", at, key))
			}
		}
	}
	return out
}

func isType(name string, v any) bool {
	switch v := v.(type) {
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && v == float64(int64(v))
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}

// schemaFaults checks a file with comments by the schema.
func schemaFaults(t *testing.T, src []byte) []string {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal(config.Schema(catalog()), &schema); err != nil {
		t.Fatal(err)
	}
	standard, err := hujson.Standardize(append(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), '\n'))
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(standard, &v); err != nil {
		t.Fatal(err)
	}
	return validator{schema["definitions"].(map[string]any)}.faults(schema, v, "config")
}

func TestSchemaAcceptsValidFiles(t *testing.T) {
	for _, pattern := range []string{"testdata/valid/*.json", "testdata/valid/*.effective"} {
		goldens(t, pattern, func(t *testing.T, _ string, src []byte) {
			for _, fault := range schemaFaults(t, src) {
				t.Error(fault)
			}
		})
	}
}

// TestSchemaRefusesInvalidFiles takes the files that are wrong by what tags say.
func TestSchemaRefusesInvalidFiles(t *testing.T) {
	for _, name := range []string{
		"durations", "enums", "hash_missing_key", "middlewares", "misspelled_required", "networks", "not_an_object", "nothing_required",
		"nulls", "numbers_by_type", "one_line", "sizes", "unknown_keys", "unsupported", "wrong_types", "wrong_types_in_routes",
	} {
		src, err := os.ReadFile("testdata/invalid/" + name + ".json")
		if err != nil {
			t.Error(err)
			continue
		}
		if len(schemaFaults(t, src)) == 0 {
			t.Errorf("the schema accepts %s.json", name)
		}
	}
}

func TestSchemaIsDeterministic(t *testing.T) {
	compare(t, "testdata/schema.golden", config.Schema(catalog()))
}
