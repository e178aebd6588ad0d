package config

import "reflect"

// Parse reads a config file: JSON, with comments and trailing commas allowed.
// It is strict; what it does not understand is a problem, never ignored. The
// error is a [Problems] with every problem of the file, or with the first
// where the syntax itself is broken. The result shares no memory with src.
//
// Parse panics if an options struct of the catalog has a field or a tag that
// cannot be read: that is a mistake of the program, not of the file.
func Parse(src []byte, catalog Catalog) (*Config, error) {
	doc, problem := readDocument(src)
	if problem != nil {
		return nil, Problems{*problem}
	}
	r := &report{doc: doc}
	c := new(Config)
	d := decoder{report: r, catalog: catalog, plans: make(plans)}
	d.value(doc.root(), reflect.ValueOf(c).Elem())
	check(c, r)
	if len(r.found) > 0 {
		return nil, r.problems()
	}
	return c, nil
}
