package config

import (
	"fmt"
	"slices"
	"strings"
)

// maxListed is how many names a message lists.
const maxListed = 12

// hint returns what to add to a message about an unknown name: the name that
// was probably meant, or else the names there are.
func hint(wanted string, have []string) string {
	if n := nearest(wanted, have); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	if len(have) == 0 {
		return "; there are none"
	}
	return "; have " + list(have)
}

// list quotes the first names of have and counts the rest.
func list(have []string) string {
	quoted := make([]string, 0, maxListed)
	for _, name := range have[:min(len(have), maxListed)] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	text := strings.Join(quoted, ", ")
	if more := len(have) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// nearest returns the name of have that wanted is probably a misspelling of:
// at most a third of its characters apart. It returns "" if there is none.
func nearest(wanted string, have []string) string {
	best, bound := "", max(1, len(wanted)/3)
	for _, name := range have {
		if d := distance(strings.ToLower(wanted), strings.ToLower(name), bound); d <= bound {
			best, bound = name, d-1
		}
	}
	return best
}

// distance returns how many insertions, deletions, replacements and swaps of
// neighbours turn a into b; a result above bound only says that it is above it.
func distance(a, b string, bound int) int {
	if abs(len(a)-len(b)) > bound || len(a) > 128 || len(b) > 128 {
		return bound + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		if slices.Min(row) > bound {
			return bound + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func abs(n int) int { return max(n, -n) }
