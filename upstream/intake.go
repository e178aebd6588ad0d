package upstream

// readBuffer is how much of a response is in memory at most. A head must fit into it.
const readBuffer = 32 << 10

// intake is what was read from a connection and not used yet. Its memory is kept
// for the next trip. The zero value is empty.
type intake struct {
	buf  []byte // nil until something is read
	r, w int    // unused is buf[r:w]
}

// bytes returns what was read and not used. It is valid until the next fill.
func (in *intake) bytes() []byte { return in.buf[in.r:in.w] }

func (in *intake) len() int { return in.w - in.r }

func (in *intake) full() bool { return in.len() == readBuffer }

// use takes up to n bytes. They are valid until the next fill.
func (in *intake) use(n int) []byte {
	b := in.buf[in.r : in.r+min(n, in.len())]
	in.r += len(b)
	return b
}

func (in *intake) reset() { in.r, in.w = 0, 0 }

// fill reads once: it returns an error, or there is at least a byte more. It must not
// be full.
func (in *intake) fill(c *conn) error {
	if in.buf == nil {
		in.buf = make([]byte, readBuffer)
	}
	if in.r == in.w {
		in.reset()
	} else if in.w == len(in.buf) {
		in.w = copy(in.buf, in.bytes())
		in.r = 0
	}
	n, err := c.Read(in.buf[in.w:])
	if in.w += n; n > 0 {
		return nil // an error comes again
	}
	return err
}
