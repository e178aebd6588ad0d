package wire

// Bounds of what a chunked body may have besides its data.
const (
	maxChunkLine = 1024 // a chunk-size line with its extensions
	maxTrailer   = 8192 // the whole trailer section
)

// Chunks decodes a chunked body (RFC 9112 section 7.1), strictly: hexadecimal
// digits only, CRLF everywhere, no control bytes in extensions. The zero value
// is ready; Reset makes it so again. It keeps no slice of what it is given.
type Chunks struct {
	left    int64 // bytes of the current chunk still to come
	line    int   // bytes of the current line seen
	digits  int
	trailer []byte
	state   chunkState
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkExt
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	chunkTrailer
	chunkDone
)

// Reset prepares c for another body and keeps its memory.
func (c *Chunks) Reset() { *c = Chunks{trailer: c.trailer[:0]} }

// Done reports whether the body, trailer section included, has ended. An end of
// input before that is a truncated body.
func (c *Chunks) Done() bool { return c.state == chunkDone }

// Trailer returns the trailer section, field lines without the final empty line,
// once the body is done. It is valid until Reset.
func (c *Chunks) Trailer() []byte {
	if len(c.trailer) < 2 {
		return nil
	}
	return c.trailer[:len(c.trailer)-2]
}

// Next decodes from the start of src up to the end of the first run of data. It
// returns that run, a slice of src and possibly empty, and how many bytes of src
// it has dealt with; the caller goes on with the rest. n is less than len(src)
// only if there was data or the body is done. An error is [ErrChunk] or
// [ErrTrailer], and final.
func (c *Chunks) Next(src []byte) (data []byte, n int, err error) {
	for n < len(src) {
		switch c.state {
		case chunkData:
			run := int(min(int64(len(src)-n), c.left))
			if c.left -= int64(run); c.left == 0 {
				c.state = chunkDataCR
			}
			return src[n : n+run], n + run, nil
		case chunkTrailer:
			used, err := c.readTrailer(src[n:])
			return nil, n + used, err
		case chunkDone:
			return nil, n, nil
		}
		if !c.step(src[n]) {
			return nil, n, ErrChunk
		}
		n++
	}
	return nil, n, nil
}

// step takes one byte of the framing around data.
func (c *Chunks) step(b byte) bool {
	switch c.state {
	case chunkSize:
		if digit := unhex(b); digit >= 0 {
			c.left = c.left<<4 | int64(digit)
			c.digits++
			// Fifteen digits leave room for every sum of two lengths.
			return c.digits <= 15
		}
		if c.digits == 0 {
			return false
		}
		c.line = 0
		switch b {
		case '\r':
			c.state = chunkSizeLF
		case ';':
			c.state = chunkExt
		default:
			return false
		}
	case chunkExt:
		c.line++
		if b == '\r' {
			c.state = chunkSizeLF
			return true
		}
		return c.line <= maxChunkLine && (b >= 0x20 || b == '\t') && b != 0x7f
	case chunkSizeLF:
		c.digits = 0
		c.state = chunkData
		if c.left == 0 {
			c.state = chunkTrailer
		}
		return b == '\n'
	case chunkDataCR:
		c.state = chunkDataLF
		return b == '\r'
	case chunkDataLF:
		c.state = chunkSize
		return b == '\n'
	}
	return true
}

func unhex(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// readTrailer collects the trailer section and checks it as any field section.
func (c *Chunks) readTrailer(src []byte) (n int, err error) {
	for n < len(src) {
		line := len(src) - n
		lf := indexLF(src, n)
		if lf >= 0 {
			line = lf + 1 - n
		}
		if len(c.trailer)+line > maxTrailer {
			return n, ErrTrailer
		}
		c.trailer = append(c.trailer, src[n:n+line]...)
		n += line
		if lf < 0 {
			return n, nil
		}
		t := c.trailer
		if len(t) < 2 || t[len(t)-2] != '\r' {
			return n, ErrTrailer
		}
		if len(t) == 2 || t[len(t)-3] == '\n' {
			var lines fieldLines
			if _, err := lines.scan(t, 0, 64, &requestScan); err != nil {
				return n, ErrTrailer
			}
			c.state = chunkDone
			return n, nil
		}
	}
	return n, nil
}

// AppendChunkHead appends the size line of a chunk of n bytes, n > 0.
func AppendChunkHead(dst []byte, n int) []byte {
	const hex = "0123456789abcdef"
	shift := 0
	for n>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, hex[n>>shift&15])
	}
	return append(dst, "\r\n"...)
}

// AppendTrailer appends the field lines of a trailer section that may travel on:
// none that frames, routes, authenticates or sets state (RFC 9110 section 6.5.1).
func AppendTrailer(dst, trailer []byte) []byte {
	for len(trailer) > 0 {
		end := indexLF(trailer, 0) + 1
		line := trailer[:end]
		trailer = trailer[end:]
		name := line
		for i, c := range line {
			if c == ':' {
				name = line[:i]
				break
			}
		}
		if trailerAllowed(name) {
			dst = append(dst, line...)
		}
	}
	return dst
}

// forbiddenTrailers are the fields besides those of a kind of their own that a
// receiver acts on before it has seen the trailer section.
var forbiddenTrailers = []string{
	"authorization", "cache-control", "content-encoding", "content-range",
	"content-type", "cookie", "if-match", "if-modified-since", "if-none-match",
	"if-range", "if-unmodified-since", "location", "max-forwards", "pragma",
	"proxy-authenticate", "range", "retry-after", "set-cookie", "vary",
	"www-authenticate", "age", "expires", "warning",
}

func trailerAllowed(name []byte) bool {
	if kindOf(name) != KindOther {
		return false
	}
	for _, f := range forbiddenTrailers {
		if equalFold(name, f) {
			return false
		}
	}
	return true
}
