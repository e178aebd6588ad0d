package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as "8MiB", "16KiB", "10MB" or "512" in the
// file. It is never negative.
type Size int64

// units of sizes, as written; in each series larger before smaller.
var units = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3},
	{"B", 1},
}

// String returns s as the file has it, in the largest unit that needs no fraction.
func (s Size) String() string {
	for _, u := range units {
		if u.bytes > 1 && s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

func parseSize(text string) (Size, error) {
	digits, unit := text, int64(1)
	for _, u := range units {
		if before, ok := strings.CutSuffix(text, u.name); ok {
			digits, unit = before, u.bytes
			break
		}
	}
	if strings.HasPrefix(digits, "-") {
		return 0, fmt.Errorf("the size %s is negative", shorten(text))
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf(`%q is not a size: write a whole number of bytes, or one with a unit, such as "512", "16KiB", "8MiB" or "10MB"`, shorten(text))
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("the size %s is too large", shorten(text))
	}
	return Size(n * unit), nil
}
