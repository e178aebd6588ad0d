package main

import (
	"fmt"
	"io"
	"strings"
)

// Every request has a tag of its own, which its answer must bear in the field
// X-Tag and in every line of its body. So bytes of one exchange that reach another
// show, wherever they are cut.

const tagField = "X-Tag"

// pattern returns n bytes that only the tag has.
func pattern(tag string, n int) string {
	line := tag + "\n"
	return strings.Repeat(line, n/len(line)+1)[:n]
}

// compare reads r to its end and checks that it is n bytes of the tag's pattern.
func compare(r io.Reader, tag string, n int) error {
	line := tag + "\n"
	buf := make([]byte, 16<<10)
	for at := 0; ; {
		k, err := r.Read(buf)
		for i := range k {
			if at+i >= n {
				return fmt.Errorf("more than %d bytes of body: %.100q", n, buf[i:k])
			}
			if buf[i] != line[(at+i)%len(line)] {
				return fmt.Errorf("at byte %d of %d the body has %.100q in place of the pattern of %s", at+i, n, buf[i:k], tag)
			}
		}
		at += k
		if err == io.EOF {
			if at < n {
				return fmt.Errorf("a body of %d bytes looks complete with %d", n, at)
			}
			return nil
		}
		if err != nil {
			return &cutError{at, err}
		}
	}
}

// cutError says that a body ended with an error, after some right bytes.
type cutError struct {
	at  int
	err error
}

func (e *cutError) Error() string { return fmt.Sprintf("body cut after %d bytes: %v", e.at, e.err) }
func (e *cutError) Unwrap() error { return e.err }
