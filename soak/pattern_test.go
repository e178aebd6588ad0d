package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCompareFindsWhatIsNotOnesOwn(t *testing.T) {
	const n = 5000
	own, other := pattern("t1-00000001", n), pattern("t2-00000002", n)
	if err := compare(iotest.OneByteReader(strings.NewReader(own)), "t1-00000001", n); err != nil {
		t.Errorf("the own body: %v", err)
	}
	for name, body := range map[string]string{
		"another's": other, "another's from the middle": own[:n/2] + other[n/2:],
		"too short": own[:n-1], "too long": own + "x", "empty": "",
	} {
		if err := compare(strings.NewReader(body), "t1-00000001", n); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	var cut *cutError
	r := io.MultiReader(strings.NewReader(own[:100]), iotest.ErrReader(io.ErrUnexpectedEOF))
	if err := compare(r, "t1-00000001", n); !errors.As(err, &cut) || cut.at != 100 {
		t.Errorf("a cut body: %v", err)
	}
}
