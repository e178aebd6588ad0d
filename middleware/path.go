package middleware

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// bytesOf is a set of bytes.
type bytesOf [256]bool

func setOf(chars string) *bytesOf {
	s := new(bytesOf)
	for c := '0'; c <= '9'; c++ {
		s[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		s[c], s[c-'a'+'A'] = true, true
	}
	for _, c := range []byte(chars) {
		s[c] = true
	}
	return s
}

var (
	// unreserved is what stands for itself in every part of a URL (RFC 3986
	// section 2.3).
	unreserved = setOf("-._~")
	// segmentBytes stand for themselves in a path segment (RFC 3986 section 3.3);
	// but ";", which some origins cut segments at.
	segmentBytes = setOf("-._~!$&'()*+,=:@")
	// literalBytes stand for themselves in a template of ours.
	literalBytes = setOf("-._~!$&'()*+,=:@;/?#[]%")
)

// appendEscaped appends b with every byte escaped that is not in keep.
func appendEscaped(dst []byte, b []byte, keep *bytesOf) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range b {
		if keep[c] {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hex[c>>4], hex[c&15])
	}
	return dst
}

// escapeLiteral escapes what a URL cannot hold and keeps escapes that are there.
func escapeLiteral(s string) []byte { return appendEscaped(nil, []byte(s), literalBytes) }

// checkPath reports what is wrong with a path to be sent, decoded or escaped.
func checkPath(p string) error {
	if p == "" || p[0] != '/' {
		return fmt.Errorf("%q does not begin with /", p)
	}
	if i := strings.IndexAny(p, "?#"); i >= 0 {
		return fmt.Errorf("%q has a %q; only the path is changed, the query stays", p, p[i])
	}
	if strings.Contains(p, "//") {
		return fmt.Errorf("%q has an empty segment", p)
	}
	for segment := range strings.SplitSeq(p, "/") {
		if decoded, err := unescaped(segment); err == nil && (decoded == "." || decoded == "..") {
			return fmt.Errorf("%q has a dot segment", p)
		}
	}
	return checkLiteral(p)
}

// checkLiteral reports what no part of a URL of ours may have.
func checkLiteral(s string) error {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return fmt.Errorf("%q has a control character", s)
		}
		if s[i] == '\\' {
			return fmt.Errorf("%q has a backslash, which some take for a slash", s)
		}
	}
	if _, err := unescaped(s); err != nil {
		return fmt.Errorf("%q has a %% that is not followed by two hexadecimal digits; write %%25 for the character itself", s)
	}
	return nil
}

var errEscape = errors.New("malformed escape")

// unescaped decodes every escape of s.
func unescaped(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errEscape
		}
		c, ok := hexPair(s[i+1], s[i+2])
		if !ok {
			return "", errEscape
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), nil
}

func hexPair(hi, lo byte) (byte, bool) {
	h, ok1 := hexDigit(hi)
	l, ok2 := hexDigit(lo)
	return h<<4 | l, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch lower := c | 0x20; {
	case c >= '0' && c <= '9':
		return c - '0', true
	case lower >= 'a' && lower <= 'f':
		return lower - 'a' + 10, true
	}
	return 0, false
}

// checkPrefix reports what is wrong with an option that is a prefix of paths.
func checkPrefix(prefix string) []config.OptionProblem {
	if prefix == "/" {
		return problem("prefix", `"/" is no prefix to add or remove; leave the middleware out`)
	}
	if err := checkPath(prefix); err != nil {
		return problem("prefix", "%v", err)
	}
	return nil
}

// pathOf cuts the target to be sent. ok is false for "*", which has no path.
func pathOf(x *exchange.Exchange) (path, query []byte, ok bool) {
	path, query, hasQuery := wire.SplitTarget(x.Target)
	if hasQuery {
		query = x.Target[len(path):] // with its "?"
	}
	return path, query, len(path) > 0 && path[0] == '/'
}
