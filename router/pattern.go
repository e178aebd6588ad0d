package router

import (
	"errors"
	"fmt"
	"strings"
)

// maxParams bounds the parameters of a path: fasthttprouter counts them in eight bits.
const maxParams = 64

// kind says what a segment of a pattern takes. The values are in matching order; kindEnd stands behind the last segment.
type kind byte

const (
	kindStatic kind = iota
	kindParam
	kindEnd
	kindRest
)

// segment is the part of a pattern between two slashes.
type segment struct {
	kind kind
	text string // the literal, or the parameter's name
}

// pattern is a parsed path.
type pattern struct {
	text     string
	segments []segment
	kinds    string // the kinds of the segments and the end: patterns that share a path are compared by it
	shape    string // the text without parameter names: equal for patterns that match the same paths
	params   int
	colon    bool // a literal contains a colon
}

// shapeText is the shape of a pattern that has parameters.
func (p *pattern) shapeText() string {
	var b strings.Builder
	b.Grow(len(p.text))
	for _, s := range p.segments {
		b.WriteByte('/')
		if s.kind == kindParam {
			b.WriteByte(':')
		} else {
			b.WriteString(s.text)
		}
	}
	return b.String()
}

func tooManyParams() error { return fmt.Errorf("more than %d parameters", maxParams) }

func paramTwice(name string) error {
	return fmt.Errorf("parameter :%s stands twice; give each its own name", name)
}

// checkPathText refuses what can never match, and what is meant differently from what it would do.
func checkPathText(text string) error {
	switch {
	case text == "":
		return errors.New(`empty; write "/*" for every path`)
	case text[0] != '/':
		return errors.New("does not begin with a slash")
	case strings.ContainsAny(text, "?#"):
		return errors.New("contains ? or #; what follows them is not part of a path, see the query predicates")
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return fmt.Errorf("contains the control character %#02x", text[i])
		}
		if text[i] == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			return fmt.Errorf("contains %s; paths are matched decoded, write the character itself", text[i:i+3])
		}
	}
	return nil
}

func parseSegment(part string, last bool) (segment, error) {
	switch {
	case part == "." || part == "..":
		return segment{}, fmt.Errorf("contains the segment %q; dot segments are resolved before matching", part)
	case part == "*" && last:
		return segment{kind: kindRest, text: "*"}, nil
	case strings.Contains(part, "*"):
		return segment{}, errors.New("a * can only be the whole last segment, as in /v1/*")
	case strings.HasPrefix(part, ":"):
		name := part[1:]
		if !isName(name) {
			return segment{}, fmt.Errorf("parameter name %q; want a name of letters, digits, - and _ after the colon", name)
		}
		return segment{kind: kindParam, text: name}, nil
	}
	return segment{kind: kindStatic, text: part}, nil
}

// rest reports whether the pattern ends in *.
func (p *pattern) rest() bool {
	return p.segments[len(p.segments)-1].kind == kindRest
}

// inner reports whether a parameter has more behind it; fasthttprouter lets such a one be empty.
func (p *pattern) inner() bool {
	for _, s := range p.segments[:len(p.segments)-1] {
		if s.kind == kindParam {
			return true
		}
	}
	return false
}

// position returns the number of the segment that holds the parameter, or the * for the name "*".
func (p *pattern) position(name string) (int, bool) {
	for i := range p.segments {
		if s := &p.segments[i]; s.kind != kindStatic && s.text == name {
			return i, true
		}
	}
	return 0, false
}

// fits reports whether the pattern matches the path, from its definition and without a tree; it does not allocate.
func (p *pattern) fits(path string) bool {
	if path == "" || path[0] != '/' {
		return p.segments[0].kind == kindRest
	}
	path, more := path[1:], true
	for i := range p.segments {
		s := &p.segments[i]
		if s.kind == kindRest {
			return true
		}
		if !more {
			return false
		}
		var part string
		part, path, more = strings.Cut(path, "/")
		if s.kind == kindParam && part == "" || s.kind == kindStatic && part != s.text {
			return false
		}
	}
	return !more
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return name != ""
}
