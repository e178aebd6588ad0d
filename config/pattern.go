package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkPath reports what is wrong with the path of a route.
func checkPath(p string) error {
	switch {
	case p == "":
		return errors.New("the path is empty; /* matches every path")
	case p[0] != '/':
		return fmt.Errorf("%q does not begin with /", shorten(p))
	case strings.ContainsAny(p, "?#"):
		return fmt.Errorf("%q: a path has neither ? nor #; query parameters stand in the route's query", shorten(p))
	case strings.Contains(p, "%"):
		return fmt.Errorf("%q: a path is written decoded, without percent-encoding", shorten(p))
	case hasControl(p):
		return fmt.Errorf("%q contains a control character", shorten(p))
	}
	var names []string
	for rest, more := p[1:], true; more; {
		var s string
		s, rest, more = strings.Cut(rest, "/")
		if err := checkSegment(s, !more); err != nil {
			return fmt.Errorf("%q: %w", shorten(p), err)
		}
		if !strings.HasPrefix(s, ":") {
			continue
		}
		if slices.Contains(names, s) {
			return fmt.Errorf("%q: the parameter %s stands twice", shorten(p), s)
		}
		names = append(names, s)
	}
	return nil
}

// checkSegment reports what is wrong with one segment of a path.
func checkSegment(s string, last bool) error {
	name, isParameter := strings.CutPrefix(s, ":")
	switch {
	case s == "" && !last:
		return errors.New("a segment is empty")
	case s == "*" && !last:
		return errors.New("* stands only as the last segment")
	case s == "*":
		return nil
	case s == "." || s == "..":
		return errors.New("dot segments never match: they are resolved before")
	case strings.Contains(s, "*"):
		return errors.New("* stands alone in its segment, without a name")
	case isParameter && !isName(name):
		return fmt.Errorf("a parameter is : and a name of letters, digits, - and _, and %q is not", s)
	case !isParameter && strings.Contains(s, ":"):
		return errors.New("a parameter is a whole segment; : stands only at the beginning of one")
	}
	return nil
}

func isName(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '_' && s[i] != '-' {
			return false
		}
	}
	return s != ""
}
