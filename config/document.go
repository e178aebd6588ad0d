package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// maxDepth is how deep objects and lists may stand in each other. The parser
// recurses, so it must be bounded; nothing Sluice reads comes near it.
const maxDepth = 32

// document is a file's text and what its syntax says, before its meaning.
type document struct {
	src   []byte
	root  hujson.Value
	lines []int // offset of each line's first byte

	// members finds the members of large objects by key; built on first use.
	members map[*hujson.Object]map[string]int
}

// readDocument parses the syntax of src. Its problem, if any, is the first only:
// what follows a syntax error cannot be told apart.
func readDocument(src []byte) (*document, *Problem) {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	doc := &document{src: src}
	if at := invalidUTF8(src); at >= 0 {
		return nil, doc.problem(at, fmt.Sprintf("the byte 0x%02x is not UTF-8; save the file as UTF-8", src[at]))
	}
	deep, open := brackets(src)
	if deep >= 0 {
		return nil, doc.problem(deep, fmt.Sprintf("nested deeper than %d levels", maxDepth))
	}
	// hujson takes a line comment to end in a line break; the last line of a file may have none.
	text := append(slices.Clip(src), '\n')
	root, err := hujson.Parse(text)
	if err != nil {
		return nil, doc.syntaxProblem(err, open)
	}
	doc.root = root
	return doc, nil
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(src []byte) int {
	if utf8.Valid(src) {
		return -1
	}
	for i := 0; ; {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// brackets returns the offset of the first bracket that is nested too deep and
// that of the innermost bracket that is never closed, each -1 if there is none.
func brackets(src []byte) (deep, open int) {
	var stack []int
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '"':
			i = stringEnd(src, i)
		case '/':
			i = commentEnd(src, i)
		case '{', '[':
			if len(stack) == maxDepth {
				return i, -1
			}
			stack = append(stack, i)
		case '}', ']':
			stack = stack[:max(0, len(stack)-1)]
		}
	}
	if len(stack) > 0 {
		return -1, stack[len(stack)-1]
	}
	return -1, -1
}

// stringEnd returns the offset of the last byte of the string that begins at i.
func stringEnd(src []byte, i int) int {
	for i++; i < len(src) && src[i] != '"'; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i
}

// commentEnd returns the offset of the last byte of the comment that begins at
// i, or i if none does.
func commentEnd(src []byte, i int) int {
	end := ""
	switch {
	case bytes.HasPrefix(src[i:], []byte("//")):
		end = "\n"
	case bytes.HasPrefix(src[i:], []byte("/*")):
		end = "*/"
	default:
		return i
	}
	n := bytes.Index(src[i+2:], []byte(end))
	if n < 0 {
		return len(src)
	}
	return i + 2 + n + len(end) - 1
}

// syntaxProblem turns an error of hujson, which names line and byte, into ours.
func (doc *document) syntaxProblem(err error, open int) *Problem {
	var line, column int
	if _, scanErr := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column); scanErr != nil {
		return doc.problem(0, err.Error())
	}
	doc.indexLines()
	at := len(doc.src)
	if line <= len(doc.lines) {
		at = min(at, doc.lines[line-1]+column-1)
	}
	_, text, _ := strings.Cut(err.Error(), ": line ")
	_, text, _ = strings.Cut(text, ": ")
	if strings.HasSuffix(text, "unexpected EOF") {
		at = len(doc.src)
	}
	return doc.problem(at, doc.syntaxMessage(text, at, open))
}

func (doc *document) syntaxMessage(text string, at, open int) string {
	literal, isLiteral := strings.CutPrefix(text, "invalid literal: ")
	switch {
	case len(bytes.TrimSpace(doc.src)) == 0:
		return "the file is empty"
	case strings.HasSuffix(text, "unexpected EOF"):
		return "the file ends too early: " + doc.unfinished(text, open)
	case isLiteral && strings.HasPrefix(literal, `"`):
		return "bad string: it has a line break, a control character or an unknown escape, or its closing quote is missing"
	case isLiteral:
		return fmt.Sprintf("%s is not a value; strings stand in double quotes", shorten(literal))
	case strings.HasSuffix(text, "after top-level value"):
		return "the config has ended, but the file goes on"
	case at < len(doc.src) && strings.HasSuffix(text, "at start of value"):
		return noValue(text, doc.src[at])
	}
	return text
}

// noValue says what is wrong with a value that begins with c.
func noValue(text string, c byte) string {
	switch c {
	case ',', ':', '}', ']':
		return fmt.Sprintf("a value is missing before '%c'", c)
	case '\'':
		return "strings stand in double quotes, not single ones"
	}
	return text
}

// unfinished says what a file that ends too early has left open.
func (doc *document) unfinished(text string, open int) string {
	switch {
	case strings.Contains(text, "parsing string"):
		return "a string is not closed"
	case strings.Contains(text, "parsing comment"):
		return "a comment is not closed"
	case open >= 0:
		line, column := doc.lineColumn(open)
		return fmt.Sprintf("the '%c' at %d:%d is not closed", doc.src[open], line, column)
	}
	return "a value is missing"
}

// indexLines finds where lines begin; only a file with a problem pays for it.
func (doc *document) indexLines() {
	if doc.lines != nil {
		return
	}
	doc.lines = append(doc.lines, 0)
	for i, c := range doc.src {
		if c == '\n' {
			doc.lines = append(doc.lines, i+1)
		}
	}
}

// lineColumn returns the place of a byte, both from 1, the column in characters.
func (doc *document) lineColumn(at int) (line, column int) {
	doc.indexLines()
	line, exact := slices.BinarySearch(doc.lines, at)
	if exact {
		line++
	}
	return line, 1 + utf8.RuneCount(doc.src[doc.lines[line-1]:at])
}

func (doc *document) problem(at int, message string) *Problem {
	line, column := doc.lineColumn(at)
	return &Problem{Line: line, Column: column, Message: message}
}

// find returns the value p leads to. Where p leaves the document, it returns
// the last value on the way. atKey is the offset of that value's key, or of the
// value where it has none.
func (doc *document) find(p path) (v *hujson.Value, atKey int) {
	v, atKey = &doc.root, doc.root.StartOffset
	for _, s := range p {
		switch c := v.Value.(type) {
		case *hujson.Object:
			i, ok := doc.member(c, s.key)
			if !ok || s.index >= 0 {
				return v, atKey
			}
			v, atKey = &c.Members[i].Value, c.Members[i].Name.StartOffset
		case *hujson.Array:
			if s.index < 0 || s.index >= len(c.Elements) {
				return v, atKey
			}
			v = &c.Elements[s.index]
			atKey = v.StartOffset
		default:
			return v, atKey
		}
	}
	return v, atKey
}

// member returns the position of the first member of obj with that key.
func (doc *document) member(obj *hujson.Object, key string) (int, bool) {
	if len(obj.Members) <= 16 {
		i := slices.IndexFunc(obj.Members, func(m hujson.ObjectMember) bool { return unquote(m.Name.Value) == key })
		return i, i >= 0
	}
	index, ok := doc.members[obj]
	if !ok {
		index = make(map[string]int, len(obj.Members))
		for i, m := range slices.Backward(obj.Members) {
			index[unquote(m.Name.Value)] = i
		}
		if doc.members == nil {
			doc.members = make(map[*hujson.Object]map[string]int)
		}
		doc.members[obj] = index
	}
	i, ok := index[key]
	return i, ok
}

// unquote returns the text of a string literal.
func unquote(v hujson.ValueTrimmed) string {
	literal, ok := v.(hujson.Literal)
	if !ok || len(literal) < 2 {
		return ""
	}
	// Fast path - nothing escaped: the bytes are the text.
	if bytes.IndexByte(literal, '\\') < 0 {
		return string(literal[1 : len(literal)-1])
	}
	var text string
	if json.Unmarshal(literal, &text) != nil {
		return ""
	}
	return text
}

// shorten cuts a text of the file to what fits in a message.
func shorten(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	cut := most
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
