package wire

import (
	"bytes"
	"strings"
	"testing"
)

// Paths and their readings; a literal of "!" says that there is none.
var paths = []struct {
	path, literal, resolved string
	plain, ascends          bool
}{
	{"/", "/", "/", true, false},
	{"/a", "/a", "/a", true, false},
	{"/a/", "/a/", "/a/", true, false},
	{"/a/b.c/d", "/a/b.c/d", "/a/b.c/d", true, false},
	{"/a..b/c.", "/a..b/c.", "/a..b/c.", true, false},
	{"/a;b=c,d:e@f", "/a;b=c,d:e@f", "/a;b=c,d:e@f", true, false},
	{"/\xc3\xbc\xff", "/\xc3\xbc\xff", "/\xc3\xbc\xff", true, false},
	{"/.a", "/.a", "/.a", false, false},
	{"/...", "/...", "/...", false, false},
	{"/..a/b", "/..a/b", "/..a/b", false, false},
	{"//", "//", "/", false, false},
	{"//a", "//a", "/a", false, false},
	{"/a//b", "/a//b", "/a/b", false, false},
	{"/a///", "/a///", "/a/", false, false},
	{"/.", "/.", "/", false, false},
	{"/./a", "/./a", "/a", false, false},
	{"/a/.", "/a/.", "/a/", false, false},
	{"/a/./b", "/a/./b", "/a/b", false, false},
	{"/..", "/..", "/", false, true},
	{"/../a", "/../a", "/a", false, true},
	{"/a/..", "/a/..", "/", false, false},
	{"/a/../b", "/a/../b", "/b", false, false},
	{"/a/b/../c", "/a/b/../c", "/a/c", false, false},
	{"/a/b/..", "/a/b/..", "/a/", false, false},
	{"/a/../../b", "/a/../../b", "/b", false, true},
	{"/a/../../b/c", "/a/../../b/c", "/b/c", false, true},
	{"/a/b/../../c", "/a/b/../../c", "/c", false, false},
	{"//../a", "//../a", "/a", false, true},
	{"/./../a", "/./../a", "/a", false, true},
	{"/.../../a", "/.../../a", "/a", false, false},
	{"/%61", "/a", "/a", false, false},
	{"/%C3%bC", "/\xc3\xbc", "/\xc3\xbc", false, false},
	{"/%20%3F%23%25", "/ ?#%", "/ ?#%", false, false},
	{"/%2561", "/%61", "/%61", false, false},
	{"/%252e%252e/a", "/%2e%2e/a", "/%2e%2e/a", false, false},
	{"/a%2Fb", "/a%2Fb", "/a/b", false, false},
	{"/a%2fb%2F", "/a%2fb%2F", "/a/b/", false, false},
	{"/a%5Cb", "/a%5Cb", "/a/b", false, false},
	{`/a\b`, `/a\b`, "/a/b", false, false},
	{`/\a`, `/\a`, "/a", false, false},
	{"/%2e", "/.", "/", false, false},
	{"/%2e%2E/a", "/../a", "/a", false, true},
	{"/.%2e/a", "/../a", "/a", false, true},
	{"/%2e./a", "/../a", "/a", false, true},
	{"/a/..%2Fb", "/a/..%2Fb", "/b", false, false},
	{"/a/..%2f..%2Fb", "/a/..%2f..%2Fb", "/b", false, true},
	{`/a/..\..\b`, `/a/..\..\b`, "/b", false, true},
	{"/a%2f%2e%2e%2f..", "/a%2f..%2f..", "/", false, true},
	{"/%", "/%", "/%", false, false},
	{"/%6", "/%6", "/%6", false, false},
	{"/%zz", "/%zz", "/%zz", false, false},
	{"/%%61", "/%a", "/%a", false, false},
	{"/%6%31", "/%61", "/%61", false, false},
	{"/%00", "!", "/\x00", false, false},
	{"/a%00/../b", "!", "/b", false, false},
	{"/%u002e%u002e/", "/%u002e%u002e/", "/%u002e%u002e/", false, false},
	{"/%c0%ae%c0%ae/", "/\xc0\xae\xc0\xae/", "/\xc0\xae\xc0\xae/", false, false},
	// Some origins cut path parameters off before they resolve.
	{"/..;/a", "/..;/a", "/a", false, true},
	{"/..;x=1/a", "/..;x=1/a", "/a", false, true},
	{"/%2e%2e;/a", "/..;/a", "/a", false, true},
	{"/a/..;/..;/b", "/a/..;/..;/b", "/b", false, true},
	{"/a;/..", "/a;/..", "/", false, false},
	{"/;a/..", "/;a/..", "/", false, true},
	{"/.;/../a", "/.;/../a", "/a", false, true},
	{"/a/..;", "/a/..;", "/", false, false},
	{"/a/b;..", "/a/b;..", "/a/b;..", true, false},
	{"", "", "/", true, false},
}

func TestPaths(t *testing.T) {
	for _, tt := range paths {
		path := []byte(tt.path)
		if got := PlainPath(path); got != tt.plain {
			t.Errorf("PlainPath(%q) = %v", path, got)
		}
		if got := Ascends(path); got != tt.ascends {
			t.Errorf("Ascends(%q) = %v", path, got)
		}
		literal, ok := AppendLiteralPath([]byte("x/"), path)
		if ok != (tt.literal != "!") || ok && string(literal) != "x/"+tt.literal {
			t.Errorf("AppendLiteralPath(%q) = %q, %v; want %q", path, literal, ok, tt.literal)
		}
		if got := AppendResolvedPath([]byte("x/y"), path); string(got) != "x/y"+tt.resolved {
			t.Errorf("AppendResolvedPath(%q) = %q, want %q", path, got, tt.resolved)
		}
	}
}

func TestSplitTarget(t *testing.T) {
	for _, tt := range []struct {
		target, path, query string
		has                 bool
	}{
		{"/", "/", "", false},
		{"/?", "/", "", true},
		{"/a?b", "/a", "b", true},
		{"/a?b?c/d", "/a", "b?c/d", true},
		{"/a%3Fb", "/a%3Fb", "", false},
		{"*", "*", "", false},
		{"", "", "", false},
	} {
		path, query, has := SplitTarget([]byte(tt.target))
		if string(path) != tt.path || string(query) != tt.query || has != tt.has {
			t.Errorf("SplitTarget(%q) = %q, %q, %v", tt.target, path, query, has)
		}
	}
}

// resolveSlowly is AppendResolvedPath from its definition.
func resolveSlowly(path string) string {
	var decoded strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		if b, ok := unescape([]byte(path[i:])); c == '%' && ok {
			c = b
			i += 2
		}
		if c == '\\' {
			c = '/'
		}
		decoded.WriteByte(c)
	}
	segments := strings.Split(decoded.String(), "/")
	var kept []string
	for _, s := range segments {
		name, _, _ := strings.Cut(s, ";")
		switch {
		case s == "" || name == ".":
		case name == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		case name == "..":
		default:
			kept = append(kept, s)
		}
	}
	last, _, _ := strings.Cut(segments[len(segments)-1], ";")
	if segments[len(segments)-1] != "" && last == "" {
		last = ";"
	}
	if len(kept) > 0 && (last == "" || last == "." || last == "..") {
		kept = append(kept, "")
	}
	return "/" + strings.Join(kept, "/")
}

func FuzzPath(f *testing.F) {
	for _, tt := range paths {
		f.Add([]byte(tt.path))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		resolved := AppendResolvedPath(nil, path)
		if want := resolveSlowly(string(path)); string(resolved) != want {
			t.Errorf("%q resolves to %q, want %q", path, resolved, want)
		}
		literal, ok := AppendLiteralPath(nil, path)
		if ok && len(literal) > len(path) {
			t.Errorf("%q reads %q", path, literal)
		}
		plain := PlainPath(path)
		if plain && (!ok || string(literal) != string(path)) {
			t.Errorf("plain %q reads %q", path, literal)
		}
		if plain && len(path) > 0 && path[0] == '/' && string(resolved) != string(path) {
			t.Errorf("plain %q resolves to %q", path, resolved)
		}
		// What does not ascend stays below whatever it is put behind.
		if len(path) > 0 && path[0] == '/' && !Ascends(path) {
			if behind := AppendResolvedPath(nil, append([]byte("/p"), path...)); !bytes.HasPrefix(behind, []byte("/p/")) {
				t.Errorf("/p%s resolves to %q", path, behind)
			}
		}
	})
}

func TestWithoutParameters(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "/a;b": "/a", "/a;b=c/d;e/": "/a/d/", "/;a/b": "//b", "/a%3Bb": "/a%3Bb", ";": "", "/a;b;c/..;/d": "/a/../d",
	} {
		if got := AppendWithoutParameters([]byte("x"), []byte(path)); string(got) != "x"+want {
			t.Errorf("%q without parameters is %q, want %q", path, got[1:], want)
		}
	}
}

func TestStrictPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/a/b": true, "/a%20b": true, "//a": true, "/a..b/.c/d.": true, "/...": true, "/a;..": true, "/caf%C3%A9": true,
		"/a%2Fb": false, "/a%2fb": false, `/a\b`: false, "/a%5cb": false, "/.": false, "/..": false, "/a/./b": false,
		"/a/../b": false, "/a/%2e%2E/b": false, "/a/.%2e": false, "/..;x/a": false, "/%00": false, "/a/%2e": false,
	} {
		if got := StrictPath([]byte(path)); got != want {
			t.Errorf("StrictPath(%q) = %v", path, got)
		}
	}
}

func TestEscapedPathReadsAlike(t *testing.T) {
	var all []byte
	for c := 1; c < 256; c++ {
		all = append(all, byte(c))
	}
	for _, path := range [][]byte{all, []byte("/a b%/ü?#")} {
		escaped := AppendEscapedPath(nil, path)
		if !cleanTarget(escaped) || bytes.IndexByte(escaped, '?') >= 0 {
			t.Errorf("%q is no path", escaped)
		}
		var back []byte
		for i := 0; i < len(escaped); i++ {
			if b, ok := unescape(escaped[i:]); ok && escaped[i] == '%' {
				back = append(back, b)
				i += 2
				continue
			}
			back = append(back, escaped[i])
		}
		if !bytes.Equal(back, path) {
			t.Errorf("%q is escaped as %q, which is %q", path, escaped, back)
		}
	}
}
