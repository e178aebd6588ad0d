package hotreload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"syscall"
)

// maxSize bounds what is read into memory.
const maxSize = 64 << 20

// digest is a content's SHA-256; all zero stands for no content.
type digest [sha256.Size]byte

func (d digest) short() string {
	if d == (digest{}) {
		return ""
	}
	return hex.EncodeToString(d[:6])
}

// load reads the whole file. When the file changes meanwhile it is read again,
// a few times; changes after that are heard of as any are.
func load(path string) ([]byte, error) {
	var data bytes.Buffer
	for range 3 {
		data.Reset()
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			data.Grow(int(min(info.Size(), maxSize)) + bytes.MinRead)
		}
		steady, err := copyFile(&data, path)
		if err != nil {
			return nil, err
		}
		if steady {
			break
		}
	}
	return data.Bytes(), nil
}

// sum returns the digest of the file's content without holding the content in
// memory.
func sum(path string) (digest, error) {
	hash := sha256.New()
	if _, err := copyFile(hash, path); err != nil {
		return digest{}, err
	}
	return digest(hash.Sum(nil)), nil
}

// copyFile writes the file's content to w and reports whether the file kept
// still while it was read.
func copyFile(w io.Writer, path string) (steady bool, err error) {
	// Without O_NONBLOCK, opening a named pipe would wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !before.Mode().IsRegular() {
		return false, fmt.Errorf("%s is not a regular file", path)
	}
	var n int64
	if before.Size() <= maxSize {
		// It may grow while it is read.
		if n, err = io.Copy(w, io.LimitReader(f, maxSize+1)); err != nil {
			return false, err
		}
	}
	after, err := f.Stat()
	if err != nil {
		return false, err
	}
	if max(n, before.Size()) > maxSize {
		return false, fmt.Errorf("%s is larger than %d MiB", path, maxSize>>20)
	}
	return n == after.Size() && before.ModTime().Equal(after.ModTime()), nil
}
