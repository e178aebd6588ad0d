package wire

// Fields is a block of field lines that can be edited: "Name: value\r\n" one
// after the other, without the final empty line. Order, case and duplicates
// stay as they are but for what an edit changes. The zero value is empty. Its
// memory is kept over Reset. It must not be used from two goroutines.
type Fields struct{ b []byte }

// Bytes returns the block. It is valid until the next edit.
func (f *Fields) Bytes() []byte { return f.b }

// Reset empties the block and keeps its memory for reuse.
func (f *Fields) Reset() { f.b = f.b[:0] }

// Cap returns the size of the memory held.
func (f *Fields) Cap() int { return cap(f.b) }

// SetBlock replaces the block by b, which Fields owns from now on.
func (f *Fields) SetBlock(b []byte) { f.b = b }

// Add appends a line. name must be a token and value free of control bytes.
func (f *Fields) Add(name, value string) {
	f.b = append(f.b, name...)
	f.b = append(f.b, ": "...)
	f.b = append(f.b, value...)
	f.b = append(f.b, "\r\n"...)
}

// AddBytes is Add for a value that is not a string.
func (f *Fields) AddBytes(name string, value []byte) {
	f.b = append(f.b, name...)
	f.b = append(f.b, ": "...)
	f.b = append(f.b, value...)
	f.b = append(f.b, "\r\n"...)
}

// Set gives name exactly one line: the first there is gets the value, further
// ones go; without any, a line is appended.
func (f *Fields) Set(name, value string) {
	start, end := f.find(name, 0)
	if start < 0 {
		f.Add(name, value)
		return
	}
	for s, e := f.find(name, end); s >= 0; s, e = f.find(name, s) {
		f.cut(s, e)
	}
	// In two steps, for the sum of two strings would allocate.
	colon := start + len(name) + 1
	f.b = splice(f.b, colon, end-2, " ")
	f.b = splice(f.b, colon+1, colon+1, value)
}

// Del removes every line of name.
func (f *Fields) Del(name string) {
	for s, e := f.find(name, 0); s >= 0; s, e = f.find(name, s) {
		f.cut(s, e)
	}
}

// Get returns the first value of name, or nil. The value is a slice of the block.
func (f *Fields) Get(name string) []byte {
	s, e := f.find(name, 0)
	if s < 0 {
		return nil
	}
	return trimSpace(f.b[s+len(name)+1 : e-2])
}

// Has reports whether there is a line of name.
func (f *Fields) Has(name string) bool {
	s, _ := f.find(name, 0)
	return s >= 0
}

// find returns where the next line of name at or after from starts and ends,
// or -1.
func (f *Fields) find(name string, from int) (start, end int) {
	for from < len(f.b) {
		end = indexLF(f.b, from) + 1
		if len(name) < end-from && f.b[from+len(name)] == ':' && EqualFold(f.b[from:from+len(name)], name) {
			return from, end
		}
		from = end
	}
	return -1, -1
}

func (f *Fields) cut(start, end int) {
	f.b = append(f.b[:start], f.b[end:]...)
}

// splice replaces b[start:end] by s.
func splice(b []byte, start, end int, s string) []byte {
	grow := len(s) - (end - start)
	if grow > 0 {
		n := len(b)
		b = append(b, s[:grow]...)
		copy(b[end+grow:], b[end:n])
	} else if grow < 0 {
		b = append(b[:end+grow], b[end:]...)
	}
	copy(b[start:], s)
	return b
}
