package router

import "unsafe"

// text views b as a string without a copy, for as long as b does not change. A Lookup of fasthttprouter with a nil
// context keeps no part of the path it is given, which is all this is used for.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
