package hotreload

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links a path may lead over, as in Linux.
const maxLinks = 40

// trail is the way that a path takes to its file, over symbolic links and as
// far as it exists. All of it is absolute and free of links.
type trail struct {
	// names are the places passed: a change of any of them can lead elsewhere.
	names map[string]struct{}
	// watch are the directories that hold the links, the file, or the first
	// name missing; and the file itself, because a file that is mounted alone
	// into a container changes without its directory there noticing.
	watch map[string]struct{}
}

// follow walks an absolute path.
func follow(path string) trail {
	t := trail{names: map[string]struct{}{}, watch: map[string]struct{}{}}
	root := filepath.VolumeName(path) + string(filepath.Separator)
	dir, rest, links := root, split(path), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		place := filepath.Join(dir, name)
		t.names[place] = struct{}{}
		info, err := os.Lstat(place)
		switch {
		case err != nil:
			t.watch[dir] = struct{}{}
			return t
		case info.Mode()&os.ModeSymlink != 0:
			t.watch[dir] = struct{}{}
			target, err := os.Readlink(place)
			if links++; err != nil || links > maxLinks {
				return t
			}
			if filepath.IsAbs(target) {
				dir = root
			}
			rest = append(split(target), rest...)
		case len(rest) == 0:
			t.watch[dir] = struct{}{}
			t.watch[place] = struct{}{}
		default:
			dir = place
		}
	}
	return t
}

// split returns the names of which path consists. ".." stays: what it means is
// known only where the names before it have led.
func split(path string) []string {
	path = path[len(filepath.VolumeName(path)):]
	return strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
}
