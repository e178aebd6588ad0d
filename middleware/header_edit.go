package middleware

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/wire"
)

// line is a header field to write.
type line struct{ name, value string }

// headerEdit is what request_headers and response_headers do to a block of
// fields: remove, then set, then add, each in the order of the names.
type headerEdit struct {
	remove   []string
	set, add []line
}

func newHeaderEdit(set, add map[string]string, remove []string) headerEdit {
	return headerEdit{slices.Sorted(slices.Values(remove)), sortedLines(set), sortedLines(add)}
}

// sortedLines makes the order of the lines the same in every process.
func sortedLines(fields map[string]string) []line {
	lines := make([]line, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		lines = append(lines, line{name, fields[name]})
	}
	return lines
}

// apply does not allocate once f has room.
func (e *headerEdit) apply(f *wire.Fields) {
	for _, name := range e.remove {
		f.Del(name)
	}
	for i := range e.set {
		f.Set(e.set[i].name, e.set[i].value)
	}
	for i := range e.add {
		f.Add(e.add[i].name, e.add[i].value)
	}
}

// ownFields are written by Sluice alone: they say where a message ends or what
// becomes of the connection.
var ownFields = []string{
	"connection", "content-length", "keep-alive", "proxy-connection", "te",
	"trailer", "transfer-encoding", "upgrade",
}

// ownRequestFields are further ones that only requests have.
var ownRequestFields = []string{"expect", "http2-settings"}

// checkName reports why a field may not be edited.
func checkName(name string, request bool) error {
	lower := strings.ToLower(name)
	switch {
	case !wire.IsToken([]byte(name)):
		return fmt.Errorf("%q is not the name of a header field", name)
	case slices.Contains(ownFields, lower), request && slices.Contains(ownRequestFields, lower):
		return fmt.Errorf("%s is written by Sluice itself", name)
	case request && lower == "host":
		return fmt.Errorf("the Host is chosen per upstream; use upstreams.X.host")
	}
	return nil
}

// checkValue reports what no field value may have.
func checkValue(value string) error {
	for i := range len(value) {
		if c := value[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return fmt.Errorf("the value has a control character")
		}
	}
	if value != strings.Trim(value, " \t") {
		return fmt.Errorf("the value begins or ends with white space, which no receiver keeps")
	}
	return nil
}

// checkHeaderEdit finds everything wrong with the options of either type.
func checkHeaderEdit(set, add map[string]string, remove []string, request bool) []config.OptionProblem {
	if len(set)+len(add)+len(remove) == 0 {
		return problem("", "it changes nothing; give set, add or remove")
	}
	found := append(checkFields("set", set, request), checkFields("add", add, request)...)
	for i, name := range remove {
		key := fmt.Sprintf("remove[%d]", i)
		if err := checkName(name, request); err != nil {
			found = append(found, config.OptionProblem{Key: key, Message: err.Error()})
			continue
		}
		same := func(other string) bool { return strings.EqualFold(other, name) }
		if slices.ContainsFunc(remove[:i], same) {
			found = append(found, config.OptionProblem{Key: key, Message: fmt.Sprintf("%s stands twice", name)})
		}
		for other := range set {
			if same(other) {
				found = append(found, config.OptionProblem{Key: key, Message: fmt.Sprintf("%s is also set", name)})
			}
		}
	}
	return found
}

// checkFields checks the fields of set or add, in the order of their names.
func checkFields(option string, fields map[string]string, request bool) []config.OptionProblem {
	var found []config.OptionProblem
	seen := make(map[string]string, len(fields))
	for _, l := range sortedLines(fields) {
		key := fmt.Sprintf("%s[%q]", option, l.name)
		err := checkName(l.name, request)
		if err == nil {
			err = checkValue(l.value)
		}
		lower := strings.ToLower(l.name)
		if first, twice := seen[lower]; err == nil && twice {
			err = fmt.Errorf("%s and %s are the same field", first, l.name)
		}
		seen[lower] = l.name
		if err != nil {
			found = append(found, config.OptionProblem{Key: key, Message: err.Error()})
		}
	}
	return found
}
