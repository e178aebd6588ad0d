package middleware

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/wire"
)

var placeholders = map[string]pieceKind{
	"scheme": pieceScheme, "host": pieceHost, "path": piecePath, "query": pieceQuery, "uri": pieceURI,
}

// parseLocation reads a template of a Location. What it accepts is a URL, or a
// path that stays on the host, whatever the request.
func parseLocation(text string) (location, error) {
	var p locationParser
	if err := checkLiteral(text); err != nil {
		return location{}, err
	}
	rest, err := p.authority(text)
	if err != nil {
		return location{}, fmt.Errorf("%q: %w", text, err)
	}
	if err := p.parts(rest); err != nil {
		return location{}, fmt.Errorf("%q: %w", text, err)
	}
	return p.location, nil
}

// locationParser is a location in the making.
type locationParser struct {
	location
	part byte // the part of the URL being read: '/', '?' or '#'
	done bool // the request's query has been placed: only a fragment may follow
}

func (p *locationParser) literal(s string) {
	if s != "" {
		p.add(locationPiece{text: string(escapeLiteral(s))})
	}
}

func (p *locationParser) add(piece locationPiece) { p.pieces = append(p.pieces, piece) }

// authority reads scheme and host, if text has them, and returns what follows.
func (p *locationParser) authority(text string) (rest string, err error) {
	for _, scheme := range []string{"http", "https", "{scheme}"} {
		rest, found := strings.CutPrefix(text, scheme+"://")
		if !found {
			continue
		}
		if scheme == "{scheme}" {
			p.add(locationPiece{kind: pieceScheme})
			scheme = ""
		}
		p.literal(scheme + "://")
		return p.host(rest)
	}
	p.relative = true
	switch {
	case strings.HasPrefix(text, "//"):
		return "", errors.New("a URL without scheme; begin with http://, https:// or {scheme}://")
	case !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "{path}") && !strings.HasPrefix(text, "{uri}"):
		return "", errors.New("does not begin with /, {path}, {uri}, http://, https:// or {scheme}://")
	}
	return text, nil
}

// host reads the authority at the start of text.
func (p *locationParser) host(text string) (rest string, err error) {
	end := len(text)
	for _, stop := range []string{"/", "?", "#", "{path}", "{query}", "{uri}"} {
		if i := strings.Index(text, stop); i >= 0 {
			end = min(end, i)
		}
	}
	host := text[:end]
	before, after, found := strings.Cut(host, "{host}")
	if !wire.ValidHost([]byte(strings.Replace(host, "{host}", "h", 1))) {
		return "", fmt.Errorf("%q is not a host that Sluice knows; it may be a name, an address or {host}, with a port", host)
	}
	p.literal(before)
	if found {
		p.add(locationPiece{kind: pieceHost})
	}
	p.literal(after)
	return text[end:], nil
}

// parts reads path, query and fragment.
func (p *locationParser) parts(text string) error {
	p.part = '/'
	start := 0
	for i := 0; i < len(text); i++ {
		var size int
		var err error
		switch c := text[i]; {
		case p.done && c != '#' && p.part != '#':
			return errors.New("only a fragment may follow {query} and {uri}")
		case c == '?' && p.part == '/', c == '#' && p.part != '#':
			p.part = c
			continue
		case c == '#':
			return errors.New("a second #")
		case c == '}':
			return errors.New("a } without its {")
		case c != '{' && !p.beginsParam(text, i):
			continue
		}
		p.literal(text[start:i])
		if text[i] == '{' {
			size, err = p.placeholder(text[i:], i > 0 && text[i-1] == '/')
		} else {
			size, err = p.param(text[i:])
		}
		if err != nil {
			return err
		}
		start = i + size
		i = start - 1
	}
	p.literal(text[start:])
	return nil
}

// beginsParam reports whether a parameter begins at text[i]: behind the slash
// before a segment, or behind the = before a query's value.
func (p *locationParser) beginsParam(text string, i int) bool {
	if text[i] != ':' || i == 0 {
		return false
	}
	return p.part == '/' && text[i-1] == '/' || p.part == '?' && text[i-1] == '='
}

// placeholder reads the one that text begins with and returns its length.
func (p *locationParser) placeholder(text string, afterSlash bool) (size int, err error) {
	name, _, closed := strings.Cut(text[1:], "}")
	kind, known := placeholders[name]
	inPath := p.part == '/'
	switch {
	case !closed:
		return 0, errors.New("a { without its }")
	case !known:
		return 0, fmt.Errorf("{%s} is unknown; there are {scheme}, {host}, {path}, {query} and {uri}", name)
	case p.part == '#':
		return 0, fmt.Errorf("{%s} cannot stand in a fragment", name)
	case kind == pieceScheme && inPath:
		return 0, errors.New("{scheme} can only stand as {scheme}:// or in a query")
	case kind == pieceQuery && !inPath:
		return 0, errors.New("{query} brings its own ?; leave that out")
	case inPath && afterSlash && (kind == piecePath || kind == pieceURI):
		return 0, fmt.Errorf("{%s} begins with a / itself; leave out the one before it", name)
	}
	p.done = inPath && (kind == pieceQuery || kind == pieceURI)
	p.add(locationPiece{kind: kind, query: !inPath})
	return len(name) + 2, nil
}

// param reads the parameter that text begins with and returns its length.
func (p *locationParser) param(text string) (size int, err error) {
	name := text[1:]
	if end := strings.IndexAny(name, "/?&#"); end >= 0 {
		name = name[:end]
	}
	if !isParamName(name) {
		return 0, fmt.Errorf("%q is not the name of a parameter (letters, digits, - and _); write %%3A for a : itself", name)
	}
	p.add(locationPiece{kind: pieceParam, text: name, query: p.part == '?'})
	return len(name) + 1, nil
}
