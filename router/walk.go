package router

import (
	"bytes"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"
)

// finder is what a walk borrows to talk to trees.
type finder struct {
	ctx     fasthttp.RequestCtx // only its response status is used; see foundLeaf
	escaped []byte
}

var finders = sync.Pool{New: func() any { return new(finder) }}

// maxEscaped bounds the buffer that a finder keeps in the pool, in bytes.
const maxEscaped = 64 << 10

// walk yields the leaves that take a host and path, the most specific first. It lives on the stack of one lookup.
type walk struct {
	table      *Table
	host, path []byte
	finder     *finder // nil until trees are asked
	key        string  // the path as the trees of current know it
	current    *hostTable
	layer      int // next of current
	stage      hostClass
	dot        int // from here on the host is searched for dots
}

// walk starts one. The caller must close it, and not change host and path before.
func (t *Table) walk(host, path []byte) walk {
	return walk{
		table: t, host: host, path: path,
		// Suffixes longer than any wildcard need no look, which also bounds the work for a host of many dots. A
		// wildcard stands for at least one byte.
		dot: max(1, len(host)-t.longest),
	}
}

func (w *walk) close() {
	if w.finder != nil && cap(w.finder.escaped) <= maxEscaped {
		finders.Put(w.finder)
	}
}

// next returns the next leaf, or nil. It does not allocate.
func (w *walk) next() *leaf {
	for w.current != nil || w.enter() {
		if w.current.all || len(w.path) == 0 || w.path[0] != '/' {
			// There is only /*, or only that takes it, as the target of OPTIONS *.
			root := w.current.root
			w.current = nil
			if root != nil {
				return root
			}
			continue
		}
		if w.layer == 0 {
			w.prepare()
		}
		for w.layer < len(w.current.layers) {
			found, _ := w.current.layers[w.layer].Lookup(treeMethod, w.key, nil)
			w.layer++
			if found == nil {
				continue
			}
			found(&w.finder.ctx)
			l := &w.current.leaves[w.finder.ctx.Response.StatusCode()-1]
			if l.inner && w.emptyParam(l) {
				continue
			}
			return l
		}
		w.current = nil
	}
	return nil
}

// emptyParam reports whether a tree took an empty segment for a parameter, as fasthttprouter does before the last one.
func (w *walk) emptyParam(l *leaf) bool {
	return strings.Contains(text(w.path), "//") && !l.pattern().fits(text(w.path))
}

// enter makes the next table that takes the host current, and reports whether there is one.
func (w *walk) enter() bool {
	w.current = w.nextHost()
	if w.current == nil {
		return false
	}
	w.layer = 0
	return true
}

// prepare makes ready for asking the trees of the table.
func (w *walk) prepare() {
	if w.finder == nil {
		w.finder = finders.Get().(*finder)
	}
	w.key = text(w.path)
	if w.current.colon {
		w.key = w.finder.escape(w.path)
	}
}

func (w *walk) nextHost() *hostTable {
	if w.stage == hostExact {
		w.stage++
		if ht := w.table.exact[string(w.host)]; ht != nil {
			return ht
		}
	}
	if w.stage == hostWildcard {
		if ht := w.nextWildcard(); ht != nil {
			return ht
		}
		w.stage++
	}
	if w.stage == hostAny {
		w.stage++
		return w.table.anyHost
	}
	return nil
}

func (w *walk) nextWildcard() *hostTable {
	for w.table.longest > 0 && w.dot < len(w.host) {
		at := bytes.IndexByte(w.host[w.dot:], '.')
		if at < 0 {
			return nil
		}
		suffix := w.host[w.dot+at:]
		w.dot += at + 1
		if ht := w.table.wildcards[string(suffix)]; ht != nil {
			return ht
		}
	}
	return nil
}

// Trees cannot hold a colon in a literal. Hosts that have one hold it escaped and are asked with escaped paths; NUL,
// the escape, is escaped too, so that different paths stay different.
const (
	escapedColon = "\x00c"
	escapedNUL   = "\x00n"
)

// escape returns the path as trees with literal colons know it. It is valid until the next call and before close.
func (f *finder) escape(path []byte) string {
	if bytes.IndexByte(path, ':') < 0 && bytes.IndexByte(path, 0) < 0 {
		return text(path)
	}
	f.escaped = f.escaped[:0]
	for _, c := range path {
		switch c {
		case ':':
			f.escaped = append(f.escaped, escapedColon...)
		case 0:
			f.escaped = append(f.escaped, escapedNUL...)
		default:
			f.escaped = append(f.escaped, c)
		}
	}
	return text(f.escaped)
}
