package e2e

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// pattern reads n bytes that are the same each time and never repeat: a counter
// in each block of 64 bytes.
type pattern struct{ at, size int64 }

func newPattern(n int64) *pattern { return &pattern{size: n} }

const patternBlock = 64

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), p.size-p.at))
	for filled := 0; filled < n; {
		var block [patternBlock]byte
		for i := range block {
			block[i] = byte(i)
		}
		binary.BigEndian.PutUint64(block[:], uint64(p.at/patternBlock))
		k := copy(b[filled:n], block[p.at%patternBlock:])
		filled += k
		p.at += int64(k)
	}
	return n, nil
}

// digest reads all of r and tells its length and hash, which is enough to tell
// two bodies apart.
func digest(r io.Reader) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return fmt.Sprintf("%d %s", n, hex.EncodeToString(h.Sum(nil)[:12])), err
}
