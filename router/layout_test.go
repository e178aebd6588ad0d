package router

import (
	"testing"
	"unsafe"
)

// TestRoutesBeginWithACacheLine: what a match reads is in the first one.
func TestRoutesBeginWithACacheLine(t *testing.T) {
	var r Route
	if size := unsafe.Sizeof(r); size%64 != 0 {
		t.Errorf("a route has %d bytes", size)
	}
	if end := unsafe.Offsetof(r.plain) + unsafe.Sizeof(r.plain); end > 64 {
		t.Errorf("what a match reads ends at %d", end)
	}
}
