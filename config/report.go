package config

import (
	"cmp"
	"fmt"
	"slices"
)

// report collects what is wrong with one document.
type report struct {
	doc   *document
	found []finding

	// broken holds the paths of values that could not be read (true), and of
	// all values that hold such a one (false). What is concluded from either
	// would only be noise.
	broken map[string]bool
}

// finding is a problem before it is put into words: a file may have a hundred
// thousand, of which a hundred are told.
type finding struct {
	at   int // offset in the document
	path path
	text string

	unknown bool // add a hint: wanted is not one of have
	wanted  string
	have    []string
}

// unreadable notes a value that could not be read. The caller may reuse p.
func (r *report) unreadable(at int, p path, f finding) {
	f.at, f.path = at, slices.Clone(p)
	r.found = append(r.found, f)
	r.distrust(p)
}

// distrust takes the value at p for one that could not be read.
func (r *report) distrust(p path) {
	if r.broken == nil {
		r.broken = make(map[string]bool)
	}
	r.broken[p.String()] = true
	for n := range p {
		// What holds it is known, and not broken for that.
		if holder := p[:n].String(); !r.broken[holder] {
			r.broken[holder] = false
		}
	}
}

// trusted reports whether the value at p was read as a whole.
func (r *report) trusted(p path) bool {
	if r.broken == nil {
		return true
	}
	if _, broken := r.broken[p.String()]; broken {
		return false
	}
	for n := range p {
		if r.broken[p[:n].String()] {
			return false
		}
	}
	return true
}

// add notes that the value at p is wrong, unless it, or something within it,
// could not be read.
func (r *report) add(p path, format string, args ...any) {
	if r.trusted(p) {
		v, _ := r.doc.find(p)
		r.found = append(r.found, finding{at: v.start(), path: slices.Clone(p), text: fmt.Sprintf(format, args...)})
	}
}

// addKey is add for a value whose key is wrong.
func (r *report) addKey(p path, text string) {
	_, at := r.doc.find(p)
	r.found = append(r.found, finding{at: at, path: slices.Clone(p), text: text})
}

// addAcross notes that the object at p is wrong by what the given keys of it
// say together, unless one of them could not be read.
func (r *report) addAcross(p path, keys []string, text string) {
	for _, key := range keys {
		if !r.trusted(p.key(key)) {
			return
		}
	}
	v, _ := r.doc.find(p)
	r.found = append(r.found, finding{at: v.start(), path: slices.Clone(p), text: text})
}

// addUnknown notes that the value at p names a thing (an upstream, say) that
// there is not; have are the names there are, sorted. They are the keys of the
// section whose name is the plural of thing.
func (r *report) addUnknown(p path, thing, name string, have []string) {
	if r.broken[thing+"s"] || !r.trusted(p) {
		return
	}
	v, _ := r.doc.find(p)
	r.found = append(r.found, finding{
		at: v.start(), path: slices.Clone(p), text: fmt.Sprintf("unknown %s %q", thing, shorten(name)),
		unknown: true, wanted: name, have: have,
	})
}

// problems puts the findings into words, in the order of their places.
func (r *report) problems() Problems {
	slices.SortStableFunc(r.found, func(a, b finding) int { return cmp.Compare(a.at, b.at) })
	told := r.found[:min(len(r.found), maxProblems)]
	out := make(Problems, 0, len(told)+1)
	for _, f := range told {
		if f.unknown {
			f.text += hint(f.wanted, f.have)
		}
		p := r.doc.problem(f.at, f.text)
		p.Path = f.path.String()
		out = append(out, *p)
	}
	if more := len(r.found) - len(told); more > 0 {
		out = append(out, *r.doc.problem(r.found[len(told)].at, fmt.Sprintf("and %d more problems from here on", more)))
	}
	return out
}
