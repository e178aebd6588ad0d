package hotreload

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// volume is a Kubernetes volume: config.json -> ..data/config.json and
// ..data -> ..1.
type volume struct {
	t   testing.TB
	dir string
	n   int
}

func newVolume(t testing.TB, content string) *volume {
	v := &volume{t: t, dir: t.TempDir()}
	v.publish(content)
	do(t, os.Symlink("..data/config.json", v.path()))
	return v
}

func (v *volume) path() string { return filepath.Join(v.dir, "config.json") }

// publish does what the kubelet does: a new directory, a new link renamed over
// ..data, and the old directory removed.
func (v *volume) publish(content string) {
	v.t.Helper()
	old := fmt.Sprintf("..%d", v.n)
	v.n++
	dir := fmt.Sprintf("..%d", v.n)
	do(v.t, os.Mkdir(filepath.Join(v.dir, dir), 0o755))
	write(v.t, filepath.Join(v.dir, dir, "config.json"), content)
	do(v.t, os.Symlink(dir, filepath.Join(v.dir, "..data_tmp")))
	do(v.t, os.Rename(filepath.Join(v.dir, "..data_tmp"), filepath.Join(v.dir, "..data")))
	do(v.t, os.RemoveAll(filepath.Join(v.dir, old)))
}

func TestConfigMap(t *testing.T) {
	v := newVolume(t, "v0")
	r := newRig(t, v.path(), nil).run()
	for i := range 5 {
		v.publish(fmt.Sprint("v", i+1))
		r.expect(fmt.Sprint("v", i+1))
	}
	v.publish("v5")
	v.publish("v6")
	r.reach("v6")
	r.quiet()
}

// The path leads over a link to a directory, and the file is a link out of it.
func TestLinks(t *testing.T) {
	base := t.TempDir()
	in := func(name string) string { return filepath.Join(base, name) }
	for _, dir := range []string{"one", "two", "store"} {
		do(t, os.Mkdir(in(dir), 0o755))
	}
	write(t, in("store/a"), "v0")
	write(t, in("store/b"), "v2")
	do(t, os.Symlink("../store/a", in("one/config.json")))
	write(t, in("two/config.json"), "v4")
	do(t, os.Symlink("one", in("current")))
	r := newRig(t, in("current/config.json"), nil).run()

	replace(t, in("store/a"), "v1") // the file at the end, in its own directory
	r.expect("v1")
	do(t, os.Symlink("../store/b", in("one/new"))) // the link at the end
	do(t, os.Rename(in("one/new"), in("one/config.json")))
	r.expect("v2")
	replace(t, in("store/b"), "v3")
	r.expect("v3")
	do(t, os.Symlink("two", in("next"))) // the link on the way
	do(t, os.Rename(in("next"), in("current")))
	r.expect("v4")
	replace(t, in("two/config.json"), "v5")
	r.expect("v5")
	// What the path has left behind no longer matters.
	write(t, in("store/b"), "v6")
	replace(t, in("two/config.json"), "v7")
	r.expect("v7")
	r.quiet()
}

func TestDirectoryVanishesAndComesBack(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "etc", "sluice")
	path := filepath.Join(dir, "config.json")
	do(t, os.MkdirAll(dir, 0o755))
	write(t, path, "v0")
	r := newRig(t, path, nil).run()
	for i := range 3 {
		do(t, os.RemoveAll(filepath.Join(base, "etc")))
		r.expectNotice("cannot read")
		do(t, os.MkdirAll(dir, 0o755))
		replace(t, path, fmt.Sprint("v", i+1))
		r.expect(fmt.Sprint("v", i+1))
		r.expectNotice("can be read again")
		replace(t, path, fmt.Sprint("w", i+1))
		r.expect(fmt.Sprint("w", i+1))
	}
	r.quiet()
}

func TestDirectoryIsReplaced(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "sluice")
	path := filepath.Join(dir, "config.json")
	do(t, os.Mkdir(dir, 0o755))
	write(t, path, "v0")
	r := newRig(t, path, nil).run()
	for i := range 10 {
		want := fmt.Sprint("v", i+1)
		next := filepath.Join(base, "next")
		do(t, os.Mkdir(next, 0o755))
		write(t, filepath.Join(next, "config.json"), want)
		// The move and the removal come so close that the first's watch is
		// gone before it can be ended.
		old := filepath.Join(base, "old")
		do(t, os.Rename(dir, old))
		do(t, os.Rename(next, dir))
		do(t, os.RemoveAll(old))
		r.expect(want)
		replace(t, path, want+"b")
		r.expect(want + "b")
	}
	r.noMore()
}

func TestFileThatDoesNotExistYet(t *testing.T) {
	base := t.TempDir()
	path := filepath.Join(base, "a", "b", "config.json")
	r := newRig(t, path, func(o *Options) { o.Debounce = 5 * time.Millisecond }).run()
	r.expectNotice("cannot read")
	do(t, os.MkdirAll(filepath.Dir(path), 0o755))
	replace(t, path, "v1")
	r.expect("v1")
	r.expectNotice("can be read again")
	r.quiet()
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "config.json", "v0")
	r := newRig(t, "config.json", nil)
	t.Chdir(t.TempDir()) // the path means what it meant in New
	r.run()
	replace(t, r.opts.Path, "v1")
	r.expect("v1")
}

func TestFollow(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	do(t, err)
	in := func(name string) string { return filepath.Join(base, name) }
	do(t, os.MkdirAll(in("x/y"), 0o755))
	write(t, in("x/y/file"), "")
	do(t, os.Symlink("x/y", in("short")))
	do(t, os.Symlink(base+"/short/../z/gone", in("dangling")))
	do(t, os.Symlink("self", in("self")))
	for path, want := range map[string]string{
		"x/y/file":          "x/y x/y/file",
		"x/./y//../y/file":  "x/y x/y/file",
		"short/file":        " x/y x/y/file", // the first is base itself
		"short/../y/file":   " x/y x/y/file", // .. of where the link leads
		"x/missing/further": "x",
		"dangling":          " x",
		"self":              "",
		"x/y":               "x x/y",
	} {
		got := slices.Sorted(maps.Keys(follow(base + "/" + path).watch))
		for i := range got {
			got[i] = strings.TrimPrefix(strings.TrimPrefix(got[i], base), "/")
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("follow(%q) watches %q, want %q", path, s, want)
		}
	}
}
