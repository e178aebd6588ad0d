package demo

import (
	"bytes"
	"io"
	"sync"
)

// period is after how many bytes the pattern repeats: a prime, so that bytes
// lost, doubled or swapped in pieces of any usual size show.
const period = 1<<20 - 3

// piece is how much a streamed body writes at once, and so the size of a chunk.
const piece = 64 << 10

// pattern holds one period. It is shared by all origins and never changed.
// Printable, so that curl to a terminal does no harm.
var pattern = sync.OnceValue(func() []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := make([]byte, period)
	state := uint32(2463534242)
	for i := range b {
		// xorshift32
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		b[i] = alphabet[state>>26]
	}
	return b
})

// Pattern returns the n bytes that /bytes/n answers with, to compare with or to
// send. The reader belongs to the caller.
func Pattern(n int64) io.Reader { return &patternReader{left: n} }

// patternReader is the body of a large answer, in constant memory.
type patternReader struct {
	at   int   // next byte's place in the period
	left int64 // bytes still to come
}

// next returns up to size bytes, none at the end. They are shared: not to be
// changed.
func (r *patternReader) next(size int) []byte {
	b := pattern()[r.at:]
	b = b[:min(int64(len(b)), int64(size), r.left)]
	r.at = (r.at + len(b)) % period
	r.left -= int64(len(b))
	return b
}

func (r *patternReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	return copy(p, r.next(len(p))), nil
}

// WriteTo writes straight from the shared period.
func (r *patternReader) WriteTo(w io.Writer) (int64, error) {
	var written int64
	for r.left > 0 {
		n, err := w.Write(r.next(piece))
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// SupportsBodyWriteTo tells fasthttp that WriteTo does what Read does.
func (r *patternReader) SupportsBodyWriteTo() bool { return true }

// benchBody is what /bench answers: 90 bytes.
var benchBody = append(bytes.Repeat([]byte("0123456789"), 8), "012345678\n"...)
