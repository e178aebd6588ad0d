package wire

import (
	"slices"
	"strings"
	"testing"
)

// model is Fields from its definition: lines of a name and a value.
type model [][2]string

func (m model) index(name string) int {
	return slices.IndexFunc(m, func(l [2]string) bool { return strings.EqualFold(l[0], name) })
}

func (m *model) add(name, value string) { *m = append(*m, [2]string{name, value}) }

func (m *model) del(name string) {
	*m = slices.DeleteFunc(*m, func(l [2]string) bool { return strings.EqualFold(l[0], name) })
}

func (m *model) set(name, value string) {
	first := m.index(name)
	if first < 0 {
		m.add(name, value)
		return
	}
	line := [2]string{(*m)[first][0], value}
	m.del(name)
	*m = slices.Insert(*m, first, line)
}

func (m model) block() string {
	var b strings.Builder
	for _, l := range m {
		b.WriteString(l[0] + ": " + l[1] + "\r\n")
	}
	return b.String()
}

func TestFields(t *testing.T) {
	block := "Host:a¶X-A: 1¶Empty:¶x-a:  2 ¶X-AB: 3¶"
	for _, tt := range []struct {
		name string
		edit func(f *Fields)
		want string
	}{
		{"nothing", func(*Fields) {}, block},
		{"add", func(f *Fields) { f.Add("X-A", "4"); f.AddBytes("B", []byte("5")) }, block + "X-A: 4¶B: 5¶"},
		{"set", func(f *Fields) { f.Set("X-a", "long value") }, "Host:a¶X-A: long value¶Empty:¶X-AB: 3¶"},
		{"set shorter", func(f *Fields) { f.Set("X-A", "") }, "Host:a¶X-A: ¶Empty:¶X-AB: 3¶"},
		{"set without space", func(f *Fields) { f.Set("host", "b") }, "Host: b¶X-A: 1¶Empty:¶x-a:  2 ¶X-AB: 3¶"},
		{"set empty", func(f *Fields) { f.Set("EMPTY", "no") }, "Host:a¶X-A: 1¶Empty: no¶x-a:  2 ¶X-AB: 3¶"},
		{"set new", func(f *Fields) { f.Set("X", "1") }, block + "X: 1¶"},
		{"set last", func(f *Fields) { f.Set("X-AB", "0") }, "Host:a¶X-A: 1¶Empty:¶x-a:  2 ¶X-AB: 0¶"},
		{"del", func(f *Fields) { f.Del("x-A") }, "Host:a¶Empty:¶X-AB: 3¶"},
		{"del first and last", func(f *Fields) { f.Del("Host"); f.Del("X-AB") }, "X-A: 1¶Empty:¶x-a:  2 ¶"},
		{"del none", func(f *Fields) { f.Del("X"); f.Del("X-ABC"); f.Del("1") }, block},
		{"reset", func(f *Fields) { f.Reset() }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f Fields
			f.SetBlock(crlf(block))
			tt.edit(&f)
			if got := string(f.Bytes()); got != string(crlf(tt.want)) {
				t.Errorf("block %q, want %q", got, crlf(tt.want))
			}
		})
	}
	var f Fields
	f.SetBlock(crlf(block))
	for name, want := range map[string]string{"HOST": "a", "X-A": "1", "x-ab": "3", "empty": "", "X": "", "a": ""} {
		if got := f.Get(name); string(got) != want || f.Has(name) != (got != nil) {
			t.Errorf("Get(%q) = %q, Has %v", name, got, f.Has(name))
		}
	}
}

// FuzzFields runs a program of edits, one a line of the input: an operation, a name
// and a value, against the model.
func FuzzFields(f *testing.F) {
	f.Add("aX-A 1\naB 2\nsx-a 3\ndb")
	f.Add("aA 1\naa 2\nbA 3\nsA\nsA 0123456789\naB\ndA\nr")
	f.Fuzz(func(t *testing.T, program string) {
		var f Fields
		var m model
		for op := range strings.SplitSeq(program, "\n") {
			if len(op) < 2 {
				continue
			}
			name, value, _ := strings.Cut(op[1:], " ")
			value = string(trimSpace([]byte(value)))
			if !IsToken([]byte(name)) || !cleanValue([]byte(value)) {
				continue
			}
			switch op[0] {
			case 'a':
				f.Add(name, value)
				m.add(name, value)
			case 'b':
				f.AddBytes(name, []byte(value))
				m.add(name, value)
			case 's':
				f.Set(name, value)
				m.set(name, value)
			case 'd':
				f.Del(name)
				m.del(name)
			case 'r':
				f.Reset()
				m = nil
			}
			if string(f.Bytes()) != m.block() {
				t.Fatalf("%q: block %q, want %q", op, f.Bytes(), m.block())
			}
			at := m.index(name)
			if f.Has(name) != (at >= 0) || at >= 0 && string(f.Get(name)) != m[at][1] {
				t.Fatalf("%q: Get(%q) = %q, Has %v", op, name, f.Get(name), f.Has(name))
			}
		}
	})
}
