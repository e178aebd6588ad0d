package config

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"strings"
)

// tree is the syntax of a document as one list without pointers: of a hundred
// thousand routes there are a million values, and as objects of their own they
// take ten times the memory of the file, which the collector has to look through
// while requests are served.
type tree struct {
	src   []byte
	nodes []node
	texts texts
}

// node is a value, or the key of one. Behind an object stand its keys, each with
// its value behind it, behind a list its elements.
type node struct {
	start, end int32 // in src
	next       int32 // the node behind this one and all that it holds
	count      int32 // how many members or elements it holds
	kind       kind
}

// kind is the first byte of a value, '0' for numbers.
type kind byte

// parseTree reads JSON with comments and trailing commas, as hujson does. It tells
// nothing of what is wrong with src, where something is: see readDocument.
func parseTree(src []byte) (*tree, bool) {
	if len(src) > math.MaxInt32 {
		return nil, false
	}
	// Exact, but for such bytes in texts and comments.
	most := 1 + bytes.Count(src, []byte(",")) + bytes.Count(src, []byte(":")) + bytes.Count(src, []byte("{")) + bytes.Count(src, []byte("["))
	t := &tree{src: src, nodes: make([]node, 0, min(most, len(src)/8+8))}
	i, ok := t.skip(0)
	if ok {
		i, ok = t.parse(i, 0)
	}
	if ok {
		i, ok = t.skip(i)
	}
	return t, ok && i == len(src)
}

// parse reads the value that begins at i, which so many others hold, and returns
// where it ends.
func (t *tree) parse(i, depth int) (end int, ok bool) {
	if i == len(t.src) {
		return i, false
	}
	at := len(t.nodes)
	n := node{start: int32(i), kind: kind(t.src[i])}
	t.nodes = append(t.nodes, n)
	switch n.kind {
	case '{', '[':
		if depth == maxDepth {
			return i, false
		}
		i, n.count, ok = t.holder(i, depth)
	case '"':
		i, ok = t.quoted(i)
	default:
		i, ok = t.literal(i)
		if n.kind == '-' || '0' <= n.kind && n.kind <= '9' {
			n.kind = '0'
		}
	}
	n.end, n.next = int32(i), int32(len(t.nodes))
	t.nodes[at] = n
	return i, ok
}

// holder reads the object or list that begins at i.
func (t *tree) holder(i, depth int) (end int, count int32, ok bool) {
	src, object, closing := t.src, t.src[i] == '{', t.src[i]+2
	for i++; ; i++ {
		if i, ok = t.skip(i); !ok || i == len(src) {
			return i, count, false
		}
		if src[i] == closing {
			return i + 1, count, true
		}
		if object {
			if i, ok = t.key(i); !ok {
				return i, count, false
			}
		}
		if i, ok = t.parse(i, depth+1); !ok {
			return i, count, false
		}
		count++
		if i, ok = t.skip(i); !ok || i == len(src) {
			return i, count, false
		}
		switch src[i] {
		case ',':
		case closing:
			return i + 1, count, true
		default:
			return i, count, false
		}
	}
}

// key reads the key that begins at i, and returns where its value does.
func (t *tree) key(i int) (value int, ok bool) {
	if t.src[i] != '"' {
		return i, false
	}
	if i, ok = t.parse(i, 0); !ok {
		return i, false
	}
	if i, ok = t.skip(i); !ok || i == len(t.src) || t.src[i] != ':' {
		return i, false
	}
	return t.skip(i + 1)
}

// skip returns where the white space and the comments that begin at i end.
func (t *tree) skip(i int) (end int, ok bool) {
	for ; i < len(t.src); i++ {
		switch t.src[i] {
		case ' ', '\t', '\r', '\n':
		case '/':
			if i, ok = t.comment(i); !ok {
				return i, false
			}
		default:
			return i, true
		}
	}
	return i, true
}

// comment returns where the last byte of the comment is that begins at i.
func (t *tree) comment(i int) (last int, ok bool) {
	last = commentEnd(t.src, i)
	if last == i {
		return i, false
	}
	if t.src[i+1] == '*' {
		return last, last < len(t.src)
	}
	// Two line breaks of Unicode's, which hujson does not take.
	text := t.src[i:min(last, len(t.src))]
	return min(last, len(t.src)-1), !bytes.Contains(text, []byte("\u2028")) && !bytes.Contains(text, []byte("\u2029"))
}

// quoted returns where the string ends that begins at i.
func (t *tree) quoted(i int) (end int, ok bool) {
	src, begin, escaped := t.src, i, false
	for i++; i < len(src); i++ {
		switch c := src[i]; {
		case c == '"':
			return i + 1, !escaped || json.Valid(src[begin:i+1])
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return i, false
		}
	}
	return i, false
}

// literal returns where the number, true, false or null ends that begins at i.
func (t *tree) literal(i int) (end int, ok bool) {
	begin := i
	for i < len(t.src) && (isAlphanumeric(t.src[i]) || t.src[i] == '-' || t.src[i] == '+' || t.src[i] == '.') {
		i++
	}
	return i, json.Valid(t.src[begin:i])
}

// value is one value of a tree.
type value struct {
	t  *tree
	at int32
}

func (t *tree) root() value { return value{t, 0} }

func (v value) node() *node { return &v.t.nodes[v.at] }
func (v value) kind() kind  { return v.node().kind }
func (v value) start() int  { return int(v.node().start) }
func (v value) count() int  { return int(v.node().count) }

// raw is the value as the file has it; it is not to be kept.
func (v value) raw() []byte { return v.t.src[v.node().start:v.node().end] }

// quote returns what stands between the quotes of a string, and whether it is the
// text: nothing is escaped.
func (v value) quote() (inner []byte, plain bool) {
	inner = v.raw()
	inner = inner[1 : len(inner)-1]
	return inner, bytes.IndexByte(inner, '\\') < 0
}

// text returns the text of a string.
func (v value) text() string {
	if v.kind() != '"' {
		return ""
	}
	inner, plain := v.quote()
	if plain {
		return v.t.texts.keep(inner)
	}
	var text string
	if json.Unmarshal(v.raw(), &text) != nil {
		return ""
	}
	return text
}

// is reports whether the value is a string of that text.
func (v value) is(text string) bool {
	if v.kind() != '"' {
		return false
	}
	if inner, plain := v.quote(); plain {
		return string(inner) == text
	}
	return v.text() == text
}

// elements yields what a list holds.
func (v value) elements() iter.Seq2[int, value] {
	return func(yield func(int, value) bool) {
		for i, at := 0, v.at+1; i < v.count(); i++ {
			if !yield(i, value{v.t, at}) {
				return
			}
			at = v.t.nodes[at].next
		}
	}
}

// members yields the keys and values of an object.
func (v value) members() iter.Seq2[value, value] {
	return func(yield func(key, member value) bool) {
		for i, at := 0, v.at+1; i < v.count(); i++ {
			if !yield(value{v.t, at}, value{v.t, at + 1}) {
				return
			}
			at = v.t.nodes[at+1].next
		}
	}
}

// texts keeps short texts side by side: each by itself would be an object for the
// collector, and as a part of the file it would keep all of that in memory.
type texts struct{ block strings.Builder }

// textBlock is how many bytes stand side by side at most.
const textBlock = 4 << 10

// keep returns a copy of text.
func (t *texts) keep(text []byte) string {
	if len(text) > textBlock/8 {
		return string(text)
	}
	if t.block.Cap()-t.block.Len() < len(text) {
		t.block = strings.Builder{}
		t.block.Grow(textBlock)
	}
	begin := t.block.Len()
	t.block.Write(text)
	return t.block.String()[begin:]
}
