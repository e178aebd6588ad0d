package config

import (
	"bytes"
	"errors"
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
	*tree
	lines []int // offset of each line's first byte

	// keys finds the keys of large objects by their text; built on first use.
	keys map[value]map[string]value
	// last is the element of a list that find has passed last: problems mostly
	// come in the order of the file.
	last struct {
		list, element value
		index         int
	}
}

// readDocument parses the syntax of src. Its problem, if any, is the first only:
// what follows a syntax error cannot be told apart.
func readDocument(src []byte) (*document, *Problem) {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if utf8.Valid(src) {
		if t, ok := parseTree(src); ok {
			return &document{tree: t}, nil
		}
	}
	doc := &document{tree: &tree{src: src}}
	if at := invalidUTF8(src); at >= 0 {
		return nil, doc.problem(at, fmt.Sprintf("the byte 0x%02x is not UTF-8; save the file as UTF-8", src[at]))
	}
	deep, open := brackets(src)
	if deep >= 0 {
		return nil, doc.problem(deep, fmt.Sprintf("nested deeper than %d levels", maxDepth))
	}
	// hujson takes a line comment to end in a line break; the last line of a file may have none.
	text := append(slices.Clip(src), '\n')
	_, err := hujson.Parse(text)
	if err == nil {
		// A test sees to it that there is no such file.
		err = errors.New("cannot be read")
	}
	return nil, doc.syntaxProblem(err, open)
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return -1
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
func (doc *document) find(p path) (v value, atKey int) {
	v = doc.root()
	atKey = v.start()
	for _, s := range p {
		switch {
		case v.kind() == '{' && s.index < 0:
			key, ok := doc.member(v, s.key)
			if !ok {
				return v, atKey
			}
			v, atKey = value{v.t, key.at + 1}, key.start()
		case v.kind() == '[' && s.index >= 0 && s.index < v.count():
			v = doc.element(v, s.index)
			atKey = v.start()
		default:
			return v, atKey
		}
	}
	return v, atKey
}

// element returns an element of a list.
func (doc *document) element(list value, index int) value {
	last := &doc.last
	if last.list != list || last.index > index {
		last.list, last.index, last.element = list, 0, value{list.t, list.at + 1}
	}
	for last.index < index {
		last.element.at = last.element.node().next
		last.index++
	}
	return last.element
}

// member returns the first key of obj that has that text.
func (doc *document) member(obj value, text string) (key value, ok bool) {
	if obj.count() <= 16 {
		for key := range obj.members() {
			if key.is(text) {
				return key, true
			}
		}
		return value{}, false
	}
	index, ok := doc.keys[obj]
	if !ok {
		index = make(map[string]value, obj.count())
		for key := range obj.members() {
			text := key.text()
			if _, again := index[text]; !again {
				index[text] = key
			}
		}
		if doc.keys == nil {
			doc.keys = make(map[value]map[string]value)
		}
		doc.keys[obj] = index
	}
	key, ok = index[text]
	return key, ok
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
