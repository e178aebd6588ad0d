package config

import (
	"errors"
	"strings"
)

// PathError is a problem found in a config after it was parsed: in what it
// compiles to, or when a listener is opened.
type PathError struct {
	Path string // as Problem.Path; see [Path]
	Err  error
}

func (e *PathError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *PathError) Unwrap() error { return e.Err }

// Path returns the path of a value inside objects, as Problem.Path has it.
func Path(keys ...string) string {
	var p path
	for _, k := range keys {
		p = p.key(k)
	}
	return p.String()
}

// Place gives every [PathError] that err joins its line and column in src, which
// was parsed without a problem; what else err joins has no place. The result is
// nil for a nil err, and else a [Problems].
func Place(src []byte, err error) error {
	if err == nil {
		return nil
	}
	doc, problem := readDocument(src)
	if problem != nil {
		return Problems{*problem}
	}
	r := &report{doc: doc}
	r.place(err)
	return r.problems()
}

func (r *report) place(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			r.place(e)
		}
		return
	}
	var at *PathError
	if !errors.As(err, &at) {
		r.found = append(r.found, finding{text: oneLine(err)})
		return
	}
	r.add(path(nil).follow(at.Path), "%s", oneLine(at.Err))
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
