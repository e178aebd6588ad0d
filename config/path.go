package config

import (
	"strconv"
	"strings"
)

// step is one step into a document: into an object by key, or into a list by index.
type step struct {
	key   string
	index int // -1 for a key
}

// path leads from the top of a document to a value.
type path []step

// key and at return a path of its own that goes one step further than p.
func (p path) key(k string) path { return append(p[:len(p):len(p)], step{k, -1}) }
func (p path) at(i int) path     { return append(p[:len(p):len(p)], step{"", i}) }

// String returns p as upstreams.api.targets[0].weight; a key that is not a
// plain name stands as ["a b"].
func (p path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.index >= 0:
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.index))
			b.WriteByte(']')
		case plainKey(s.key):
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		default:
			b.WriteByte('[')
			b.WriteString(strconv.Quote(s.key))
			b.WriteByte(']')
		}
	}
	return b.String()
}

// plainKey reports whether k can stand in a path without quotes.
func plainKey(k string) bool {
	for i := range len(k) {
		c := k[i]
		switch {
		case c == '_', c == '$', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && (c == '-' || '0' <= c && c <= '9'):
		default:
			return false
		}
	}
	return k != ""
}

// follow returns p extended by a path as [path.String] writes it. What cannot be
// read as one is taken as a single key.
func (p path) follow(text string) path {
	out, rest := p[:len(p):len(p)], text
	for rest != "" {
		switch {
		case rest[0] != '[':
			rest = strings.TrimPrefix(rest, ".")
			n := strings.IndexAny(rest, ".[")
			if n < 0 {
				n = len(rest)
			}
			out, rest = append(out, step{rest[:n], -1}), rest[n:]
		case strings.HasPrefix(rest, `["`):
			quoted, err := strconv.QuotedPrefix(rest[1:])
			key, _ := strconv.Unquote(quoted)
			after, closed := strings.CutPrefix(rest[1+len(quoted):], "]")
			if err != nil || !closed {
				return p.key(text)
			}
			out, rest = append(out, step{key, -1}), after
		default:
			digits, after, closed := strings.Cut(rest[1:], "]")
			i, err := strconv.Atoi(digits)
			if err != nil || !closed || i < 0 {
				return p.key(text)
			}
			out, rest = append(out, step{"", i}), after
		}
	}
	return out
}
